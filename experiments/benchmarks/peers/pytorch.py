"""PyTorch: a linear layer, SGD, and batches from a DataLoader, or cut from tensors by hand."""

# pyright: reportMissingImports=false
# (torch comes with the bench extra, which the tests do without)

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from experiments.benchmarks.work import LEARNING_RATE, Final, Trained, Work, arrays

Batches = Iterator[tuple[torch.Tensor, torch.Tensor]]


def prepare(work: Work, *, loader: bool = True) -> Trained:
    """The work in PyTorch.

    Args:
        work: To be done.
        loader: With a DataLoader, as the tutorials have it; else the rows are chosen by indexing.

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
    def evaluate(model: nn.Module, criterion: nn.Module) -> Final:
        logits = model(validation_inputs)
        loss = criterion(logits, validation_labels).item()
        hits = (logits.argmax(1) == validation_labels).float().mean().item()
        train_hits = (model(inputs).argmax(1) == labels).float().mean().item()
        return Final(loss, hits, train_hits)

    def run() -> Final:
        generator = torch.Generator().manual_seed(0)
        model = nn.Linear(inputs.shape[1], 10)
        nn.init.zeros_(model.weight)
        nn.init.zeros_(model.bias)
        optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
        criterion = nn.CrossEntropyLoss()
        losses, evaluations, step = [], [], 0
        for _ in range(work.epochs):
            for batch, targets in (loaded if loader else indexed)(generator):
                optimizer.zero_grad()
                loss = criterion(model(batch), targets)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
                if step % work.evaluate_every == 0:
                    evaluations.append(evaluate(model, criterion))
                step += 1
        return evaluations[-1]

    return run
