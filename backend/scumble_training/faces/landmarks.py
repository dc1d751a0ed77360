"""`scumble train face-landmarks`: the face finder and the landmark network, side by side.

The finder sees made-up scenes (`scenes`), the landmark network crops around faces that are misplaced as the finder
misplaces them, and crops without a face. Points that were set by hand count twice as much as predicted ones.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from safetensors.torch import save_file
from torch.nn import functional

from scumble.faces.detection.alignment import applied, eye_centres, inner_frame, inverse, mirrored_points, similarity
from scumble.faces.detection.network import CROP, FaceFinder, FaceLandmarks
from scumble.faces.detection.search import FaceNetworks
from scumble_training.common.checkpoints import WeightAverage, append_metrics, load_checkpoint, save_checkpoint
from scumble_training.common.descent import Descent
from scumble_training.common.trainer import Run, Trainer, TrainerSettings

from . import pictures as face_pictures
from . import scenes as face_scenes
from .negatives import Negatives
from .pictures import Faces

FRAME = 0.9
"""Share of the aligned frame's side that the crop shows, around its middle."""


SHOWN = 72
"""Side, in pixels, of the pictures that crops are cut from: then a crop's pixels are as large as theirs."""


class LandmarkSettings(TrainerSettings):
    steps: int = Field(6000, ge=1, description="Steps of both networks.")
    scenes: int = Field(16, ge=1, description="Scenes, for the finder, in every second step.")
    mining: int = Field(300, ge=1, description="Steps between searches for what is taken for a face and is none.")
    crops: int = Field(48, ge=0, description="Crops a step, for the landmarks; 0 leaves them as they are.")
    learning_rate: float = Field(2e-3, gt=0, description="The highest; it rises for 200 steps, then falls as a cosine.")
    limit: int = Field(0, ge=0, description="Pictures of each collection to use; 0 for all.")


@dataclass
class Crops:
    pictures: torch.Tensor
    points: torch.Tensor
    weight: torch.Tensor
    face: torch.Tensor


def mean_shape(faces: Faces) -> NDArray[np.float64]:
    """(49, 2) in the unit square: the mean of the true faces' points and their mirrored selves."""
    points = faces.points[faces.true] if faces.true.any() else faces.points
    mean = points.mean(axis=0)
    return np.asarray((mean + mirrored_points(mean)) / 2)


def crops(
    faces: Faces,
    pictures: torch.Tensor,
    empty: torch.Tensor,
    shape: NDArray[np.float64],
    count: int,
    rng: np.random.Generator,
) -> Crops:
    """`count` crops of faces as the finder would cut them out, and those of `empty` (M, 3, 64, 64), without a face."""
    chosen = rng.integers(0, len(faces), count)
    frames, targets = [], []
    mirror = rng.random(count) < 0.5
    for index, turned in zip(chosen, mirror, strict=True):
        points = faces.points[index]
        points = mirrored_points(points) if turned else points
        frame = misplaced(inner_frame(similarity(shape, points), FRAME), rng)
        frames.append(frame)
        targets.append(applied(inverse(frame), points))
    source = pictures[chosen].float() / 255
    source[torch.from_numpy(mirror)] = source[torch.from_numpy(mirror)].flip(3)
    shown = face_scenes.warped(source, np.stack(frames), CROP)
    few = count // 5  # small faces are enlarged, so they have less detail
    less = functional.interpolate(shown[:few], int(rng.integers(30, 56)), mode="bilinear", antialias=True)
    shown[:few] = functional.interpolate(less, CROP, mode="bilinear")
    total = count + len(empty)
    points = torch.zeros(total, *shape.shape)
    points[:count] = torch.from_numpy(np.stack(targets))
    weight, face = torch.zeros(total), torch.zeros(total)
    weight[:count] = torch.from_numpy(np.where(faces.true[chosen], 1.0, 0.5))
    face[:count] = 1
    return Crops(face_scenes.relit(torch.cat([shown, empty]), rng), points, weight, face)


def misplaced(frame: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A frame turned, scaled and shifted at random, by as much as the finder errs."""
    spread = 1.0 if rng.random() < 0.6 else 0.3  # the second look begins nearer
    angle = np.radians(rng.normal(0, 9)) * spread
    scale = np.exp(rng.normal(0, 0.11) * spread)
    shift = rng.normal(0, 0.05, 2) * spread
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.array([0.5, 0.5])
    inside = np.concatenate([turn, (middle + shift - turn @ middle)[:, None]], axis=1)
    both = frame[:, :2] @ inside
    both[:, 2] += frame[:, 2]
    return np.asarray(both)


def finder_loss(finder: FaceFinder, scenes: face_scenes.Scenes) -> torch.Tensor:
    """Focal loss (Lin et al. 2017, with γ = 2) of the map, and L1 of the eyes where there is a face."""
    logits, eyes = finder(scenes.pictures)
    likely = torch.sigmoid(logits)
    missed = torch.where(scenes.face > 0, 1 - likely, likely) ** 2
    entropy = functional.binary_cross_entropy_with_logits(logits, scenes.face, reduction="none")
    share = torch.where(scenes.face > 0, 0.75, 0.25)
    faces = scenes.face.sum().clamp(min=1)
    focal = (scenes.counts * share * missed * entropy).sum() / faces
    total: torch.Tensor = focal + ((eyes - scenes.eyes).abs().sum(dim=1) * scenes.face).sum() / faces
    return total


def landmark_loss(network: FaceLandmarks, batch: Crops) -> torch.Tensor:
    """Distances of the points, in hundredths of the crop, with the eyes counting double; and the entropy of “face”."""
    points, face = network(batch.pictures)
    distance = ((points - batch.points) ** 2).sum(2).add(1e-8).sqrt()
    share = torch.ones(points.shape[1])
    share[19:31] = 2
    away = (distance * share).mean(1) / share.mean()
    sure = functional.binary_cross_entropy_with_logits(face, batch.face)
    total: torch.Tensor = 100 * (away * batch.weight).sum() / batch.weight.sum().clamp(min=1e-6) + 0.5 * sure
    return total


@torch.inference_mode()
def measured(network: FaceLandmarks, faces: Faces, shape: NDArray[np.float64]) -> dict[str, float]:
    """Eye error and mean error of faces, in shares of the eye distance, from misplaced crops and two looks."""
    rng = np.random.default_rng(1)
    pictures = face_scenes.planes(np.stack([face_pictures.resized(picture, SHOWN) for picture in faces.pictures]))
    frames = np.stack([misplaced(inner_frame(similarity(shape, points), FRAME), rng) for points in faces.points])
    network.eval()
    for _ in range(2):
        found = []
        for start in range(0, len(frames), 64):
            shown = face_scenes.warped(pictures[start : start + 64].float() / 255, frames[start : start + 64], CROP)
            found.append(network(shown)[0].double().numpy())
        places = np.concatenate(found)
        seen = np.stack([applied(frame, points) for frame, points in zip(frames, places, strict=True)])
        frames = np.stack([inner_frame(similarity(shape, points), FRAME) for points in seen])
    eyes, all_points = [], []
    for points, truth in zip(seen, faces.points, strict=True):
        left, right = eye_centres(truth)
        distance = np.hypot(*(right - left))
        off = [np.hypot(*(a - b)) for a, b in zip(eye_centres(points), (left, right), strict=True)]
        eyes.append(np.mean(off) / distance)
        all_points.append(np.hypot(*(points - truth).T).mean() / distance)
    network.train()
    return {"eye_error": float(np.mean(eyes)), "point_error": float(np.mean(all_points))}


class LandmarkSession:
    """Everything that one training holds."""

    def __init__(self, run: Run, settings: LandmarkSettings) -> None:
        torch.manual_seed(run.seed)
        self.run, self.settings = run, settings
        limit = settings.limit or None
        self.faces = face_pictures.load_faces(run.data, "train", 128, limit=limit)
        self.heldout = _with_true_points(face_pictures.load_faces(run.data, "heldout", 128, limit=limit))
        self.negatives = Negatives(run.data, limit)
        self.shape = mean_shape(self.faces)
        large = face_scenes.planes(self.faces.pictures)
        self.levels = {128: large}
        for side in (64, 32):
            small = np.stack([face_pictures.resized(picture, side) for picture in self.faces.pictures])
            self.levels[side] = face_scenes.planes(small)
        small = np.stack([face_pictures.resized(picture, SHOWN) for picture in self.faces.pictures])
        self.pictures = face_scenes.planes(small)
        self.finder, self.landmarks = FaceFinder(), FaceLandmarks()
        self.landmarks.shape.copy_(torch.from_numpy(self.shape))
        self.networks = torch.nn.ModuleDict({"finder": self.finder, "landmarks": self.landmarks})
        self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = WeightAverage(self.networks, 0.995)
        self.optimizer = torch.optim.AdamW(self.networks.parameters(), settings.learning_rate, weight_decay=1e-4)
        self.descent = Descent(self.optimizer, bound=20.0)
        self.number = 0
        self.path = run.folder / "face-landmarks.checkpoint"
        if stored := load_checkpoint(self.path):
            self.networks.load_state_dict(stored["networks"])
            self.average.load_state_dict(stored["average"])
            self.optimizer.load_state_dict(stored["optimizer"])
            self.number = stored["step"]
            if not settings.crops:  # what is not learned further is what has been averaged
                self.landmarks.load_state_dict(self.averaged("landmarks"))
            run.say(f"going on from step {self.number}")

    @property
    def progress(self) -> float:
        """How far the training is, 0 to 1, by steps or by time, whichever is further."""
        done = self.number / self.settings.steps
        if self.run.minutes is not None:
            done = max(done, (time.monotonic() - self.run.started) / (60 * self.run.minutes))
        return min(done, 1.0)

    def step(self) -> dict[str, float]:
        settings = self.settings
        rng = np.random.default_rng([self.run.seed, self.number])
        share = 0.51 + 0.49 * math.cos(math.pi * self.progress)
        rate = settings.learning_rate * min(1, (self.number + 1) / 100) * share
        figures = {}
        if self.number and (self.number % settings.mining == 0 or not self.negatives.mined):
            self.run.say(self.negatives.mine(self.networks_as_used(), rng))
        loss = torch.zeros(())
        with torch.autocast("cpu", torch.bfloat16):
            if settings.crops:
                empty = self.negatives.batch(settings.crops // 5, rng)
                crop = crops(self.faces, self.pictures, empty, self.shape, settings.crops, rng)
                loss = landmark_loss(self.landmarks, crop)
                figures["landmarks"] = loss.item()
            if self.number % 2 == 0 or not settings.crops:
                scene = face_scenes.scenes(self.faces, self.levels, self.negatives.backgrounds, settings.scenes, rng)
                found = finder_loss(self.finder, scene)
                figures["finder"] = found.item()
                loss = loss + found
        self.descent.step(loss, rate)
        self.average.update(self.networks)
        self.number += 1
        return figures

    def networks_as_used(self) -> FaceNetworks:
        finder, landmarks = FaceFinder(), FaceLandmarks()
        finder.load_state_dict(self.averaged("finder"))
        landmarks.load_state_dict(self.averaged("landmarks"))
        return FaceNetworks(finder.eval(), landmarks.eval())

    def averaged(self, part: str) -> dict[str, torch.Tensor]:
        return {k.removeprefix(f"{part}."): v for k, v in self.average.state.items() if k.startswith(f"{part}.")}

    def measure(self) -> dict[str, float]:
        return measured(self.networks_as_used().landmarks, self.heldout, self.shape)

    def save(self) -> Path:
        """The checkpoint, and the file that is shipped."""
        content = {"networks": self.networks.state_dict(), "average": self.average.state_dict()}
        save_checkpoint(self.path, {**content, "optimizer": self.optimizer.state_dict(), "step": self.number})
        finished = self.run.folder / "scumble-face-landmarks.safetensors"
        state = {k: v for k, v in self.average.state.items() if not k.endswith("num_batches_tracked")}
        save_file({k: v.half().contiguous() for k, v in state.items()}, finished)
        return finished


def _with_true_points(faces: Faces) -> Faces:
    chosen = np.flatnonzero(faces.true) if faces.true.any() else np.arange(len(faces))
    rows = [faces.rows[int(i)] for i in chosen]
    return Faces(faces.pictures[chosen], faces.points[chosen], faces.true[chosen], rows)


def train(run: Run, settings: LandmarkSettings) -> Path:
    session = LandmarkSession(run, settings)
    while session.number < settings.steps and not run.time_is_up:
        figures: dict[str, float] = {**session.step(), "step": session.number}
        if session.number % 250 == 0:
            figures |= session.measure()
            session.save()
        if session.number % 50 == 1 or "eye_error" in figures:
            append_metrics(run.folder / "face-landmarks.jsonl", **figures)
            run.say(", ".join(f"{k} {v:.4g}" for k, v in figures.items()))
    run.say(", ".join(f"{k} {v:.4g}" for k, v in session.measure().items()))
    return session.save()


TRAINER = Trainer(
    "Finding faces and their 49 points.",
    ("faces", "faces128", "photos", "art"),
    LandmarkSettings,
    train,
)
