"""PyTorch: a linear layer, SGD, and batches from a DataLoader, or cut from tensors by indexing."""

# pyright: reportMissingImports=false
# (torch comes with the bench extra, which the tests do without)

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from experiments.benchmarks.work import LEARNING_RATE, Final, Trained, Work, arrays

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


def why_not_compiled() -> str:
    """Why `torch.compile` does not work here; empty if it does."""
    try:
        torch.compile(lambda x: x.sin().sum())(torch.ones(3))
    except Exception as error:  # no compiler of C++, no support of this Python, and others
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
    return ""


def prepare(work: Work, *, loader: bool = False, compiled: bool = False) -> Trained:
    """The work in PyTorch.

    Args:
        work: To be done.
        loader: With a DataLoader, as the tutorials have it; else the rows are chosen by indexing.
        compiled: With the loss and its gradient by `torch.compile`.

    Returns:
        What does it.
    """
    train, validation = arrays(work.split, "float32")
    # the layer has a bias of its own
    inputs, labels = torch.tensor(train.inputs[:, :-1]), torch.tensor(train.labels).long()
    validation_inputs = torch.tensor(validation.inputs[:, :-1])
    validation_labels = torch.tensor(validation.labels).long()

    def loaded(generator: torch.Generator) -> Batches:
        data = TensorDataset(inputs, labels)
        return iter(
            DataLoader(data, work.batch_size, shuffle=True, drop_last=True, generator=generator)
        )

    def indexed(generator: torch.Generator) -> Batches:
        order = torch.randperm(len(labels), generator=generator)
        for start in range(0, work.steps_per_epoch * work.batch_size, work.batch_size):
            rows = order[start : start + work.batch_size]
            yield inputs[rows], labels[rows]

    @torch.no_grad()
    def evaluate() -> Final:
        logits = model(validation_inputs)
        loss = criterion(logits, validation_labels).item()
        hits = (logits.argmax(1) == validation_labels).float().mean().item()
        train_hits = (model(inputs).argmax(1) == labels).float().mean().item()
        return Final(loss, hits, train_hits)

    model, criterion = nn.Linear(inputs.shape[1], 10), nn.CrossEntropyLoss()

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
                loss = forward(batch, targets)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                if step % work.evaluate_every == 0:
                    evaluations.append(evaluate())
                step += 1
        return evaluations[-1]

    return run
