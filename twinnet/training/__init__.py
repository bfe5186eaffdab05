"""Training twin networks: any loss, one process or several, killed and resumed."""

from twinnet.training.config import TrainingConfig
from twinnet.training.objective import build_loss
from twinnet.training.result import TrainingResult
from twinnet.training.trainer import Trainer

__all__ = ["Trainer", "TrainingConfig", "TrainingResult", "build_loss"]
