"""What a network learns from its data: one objective a file."""

from twinnet.losses.base import Loss
from twinnet.losses.batch_triplet import BatchTripletLoss
from twinnet.losses.contrastive import ContrastiveLoss
from twinnet.losses.cosent import CoSENTLoss
from twinnet.losses.infonce import InfoNCELoss
from twinnet.losses.logistic import LogisticLoss
from twinnet.losses.pml import MetricLearningLoss
from twinnet.losses.regression import CosineRegressionLoss
from twinnet.losses.softmax import SoftmaxLoss
from twinnet.losses.triplet import TripletLoss
from twinnet.losses.weighted_sum import WeightedSum

__all__ = [
    "BatchTripletLoss",
    "CoSENTLoss",
    "ContrastiveLoss",
    "CosineRegressionLoss",
    "InfoNCELoss",
    "LogisticLoss",
    "Loss",
    "MetricLearningLoss",
    "SoftmaxLoss",
    "TripletLoss",
    "WeightedSum",
]
