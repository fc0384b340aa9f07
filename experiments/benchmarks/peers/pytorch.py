"""PyTorch: a linear layer, SGD, and batches from a DataLoader or by indexing of tensors."""

# pyright: reportMissingImports=false
# (torch is part of the extra bench, which the tests do not need)

from collections.abc import Iterator

import jax
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from experiments.benchmarks.work import LEARNING_RATE, Arrays, Final, Trained, Work, arrays

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


def why_not_compiled() -> str:
    """Returns the reason why `torch.compile` fails on this machine; empty if it works."""
    try:
        torch.compile(lambda x: x.sin().sum())(torch.ones(3))
    except Exception as error:  # no C++ compiler, unsupported Python, and others
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return ""


def prepare(work: Work, *, loader: bool = False, compiled: bool = False) -> Trained:
    """Prepares the work in PyTorch.

    Args:
        work: Work to prepare.
        loader: Whether a DataLoader provides the batches, as in the tutorials.
        compiled: Whether `torch.compile` compiles the loss and its gradient.
    """
    train, validation = arrays(work.split, "float32")
    device = "cuda" if jax.default_backend() == "gpu" else "cpu"
    inputs, labels = tensors(train, "cpu" if loader else device)
    train_inputs, train_labels = inputs.to(device), labels.to(device)
    validation_inputs, validation_labels = tensors(validation, device)

    def loaded(generator: torch.Generator) -> Batches:
        data = TensorDataset(inputs, labels)
        return iter(
            DataLoader(data, work.batch_size, shuffle=True, drop_last=True, generator=generator)
        )

    def indexed(generator: torch.Generator) -> Batches:
        order = torch.randperm(len(labels), generator=generator).to(device)
        for start in range(0, work.steps_per_epoch * work.batch_size, work.batch_size):
            rows = order[start : start + work.batch_size]
            yield inputs[rows], labels[rows]

    @torch.no_grad()
    def evaluate() -> Final:
        logits = model(validation_inputs)
        loss = criterion(logits, validation_labels).item()
        hits = (logits.argmax(1) == validation_labels).float().mean().item()
        train_hits = (model(train_inputs).argmax(1) == train_labels).float().mean().item()
        return Final(loss, hits, train_hits)

    model, criterion = nn.Linear(inputs.shape[1], 10, device=device), nn.CrossEntropyLoss()

    def loss_of(batch: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return criterion(model(batch), targets)

    forward = torch.compile(loss_of) if compiled else loss_of

    def run() -> Final:
        generator = torch.Generator().manual_seed(0)
        nn.init.zeros_(model.weight)
        nn.init.zeros_(model.bias)
        optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
        losses, evaluations, step = [], [], 0
        for _ in range(work.epochs):
            for batch, targets in (loaded if loader else indexed)(generator):
                optimizer.zero_grad()
                loss = forward(batch.to(device), targets.to(device))
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())  # reading the value here would wait for the device
                if step % work.evaluate_every == 0:
                    evaluations.append(evaluate())
                step += 1
        torch.stack(losses).tolist()
        return evaluations[-1]

    return run


def tensors(examples: Arrays, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Moves inputs without the bias column, and labels, to a device."""
    inputs, labels = torch.tensor(examples.inputs[:, :-1]), torch.tensor(examples.labels)
    return inputs.to(device), labels.long().to(device)
