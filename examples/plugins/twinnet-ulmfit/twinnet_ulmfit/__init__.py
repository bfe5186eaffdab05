"""ULMFiT for twinnet: Howard and Ruder 2018, https://arxiv.org/abs/1801.06146."""
