"""Training twin networks: any loss, one process or several, killed and resumed."""

from twinnet.training.config import TrainingConfig
from twinnet.training.objective import build_loss
from twinnet.training.trainer import Trainer, TrainingResult

__all__ = ["Trainer", "TrainingConfig", "TrainingResult", "build_loss"]
