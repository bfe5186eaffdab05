"""SiamFC's inference written down plainly, in the order of the paper and of siamfc-pytorch, as an oracle."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F


class PlainSiamFC:
    def __init__(self, state, frame, box, scale_num, scale_step, scale_lr, bias=0.0):
        self.state, self.bias = state, bias
        self.scale_lr = scale_lr
        x, y, w, h = box
        self.center = np.array([y + (h - 1) / 2, x + (w - 1) / 2])  # of pixels that are counted from their middle
        self.target_sz = np.array([h, w], dtype=float)
        self.first_sz = self.target_sz.copy()
        self.scale_factors = scale_step ** np.linspace(-(scale_num // 2), scale_num // 2, scale_num)
        context = 0.5 * self.target_sz.sum()
        self.z_sz = np.sqrt(np.prod(self.target_sz + context))
        self.x_sz = self.z_sz * 255 / 127
        self.avg_color = frame.mean((0, 1))
        self.upscale_sz = 16 * 17
        hann = np.outer(np.hanning(self.upscale_sz), np.hanning(self.upscale_sz))
        self.hann_window = hann / hann.sum()
        self.kernel = self.embed([self.crop(frame, self.z_sz, 127)])

    def crop(self, frame, size, out_size):
        ratio = size / out_size
        if ratio >= 2:
            raise AssertionError("the oracle does not shrink by more than 2")
        corner = self.center - (size - ratio) / 2
        matrix = np.array([[ratio, 0, corner[1]], [0, ratio, corner[0]]])
        flags = cv2.INTER_LINEAR + cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(frame, matrix, (out_size, out_size), flags=flags, borderValue=self.avg_color)

    def embed(self, cuts):
        x = torch.from_numpy(np.stack(cuts)).permute(0, 3, 1, 2).float()
        for name, stride, groups in (("conv1", 2, 1), ("conv2", 1, 2), ("conv3", 1, 1), ("conv4", 1, 2)):
            weight, bias = self.state[f"{name}.0.weight"], self.state[f"{name}.0.bias"]
            x = F.conv2d(x, weight, bias, stride=stride, groups=groups)
            mean, var = self.state[f"{name}.1.running_mean"], self.state[f"{name}.1.running_var"]
            x = F.batch_norm(x, mean, var, self.state[f"{name}.1.weight"], self.state[f"{name}.1.bias"], eps=1e-6)
            x = F.relu(x)
            if name in ("conv1", "conv2"):
                x = F.max_pool2d(x, 3, 2)
        return F.conv2d(x, self.state["conv5.0.weight"], self.state["conv5.0.bias"], groups=2)

    def update(self, frame):
        search = self.embed([self.crop(frame, self.x_sz * f, 255) for f in self.scale_factors])
        responses = np.stack([F.conv2d(one[None], self.kernel)[0, 0].numpy() for one in search]) * 0.001 + self.bias
        size = (self.upscale_sz, self.upscale_sz)
        responses = np.stack([cv2.resize(u, size, interpolation=cv2.INTER_CUBIC) for u in responses])
        middle = len(self.scale_factors) // 2
        responses[:middle] *= 0.9745
        responses[middle + 1 :] *= 0.9745
        scale_id = np.argmax(responses.max((1, 2)))
        response = responses[scale_id].astype(np.float64)
        response -= response.min()
        response /= response.sum() + 1e-16
        response = (1 - 0.176) * response + 0.176 * self.hann_window
        loc = np.unravel_index(response.argmax(), response.shape)
        disp_in_response = np.array(loc) - (self.upscale_sz - 1) / 2
        disp_in_instance = disp_in_response * 8 / 16
        self.center = self.center + disp_in_instance * self.x_sz * self.scale_factors[scale_id] / 255
        scale = (1 - self.scale_lr) + self.scale_lr * self.scale_factors[scale_id]
        scale = np.clip(self.target_sz * scale, 0.2 * self.first_sz, 5 * self.first_sz)[0] / self.target_sz[0]
        self.target_sz, self.x_sz = self.target_sz * scale, self.x_sz * scale
        h, w = self.target_sz
        return np.array([self.center[1] - (w - 1) / 2, self.center[0] - (h - 1) / 2, w, h])
