"""The only loop that trains. It decides when to look up and when to stop; engines compute.

`schuss.training.train` is the door to it.

Epochs run in strides of many per call. Where something must be judged after each epoch (a goal, a
patience), the stride is judged afterwards from its losses, and if it ran too far, run again from where
it began up to the right epoch: the same steps give the same bits, so nobody can tell.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from schuss.engine.engine import DONE, INTERRUPTED, NO_NORMS, NOT_FINITE, Advance, Engine
from schuss.engine.keeping import under_way
from schuss.errors import DivergenceError, TrainingInterrupted
from schuss.method.functions import Array
from schuss.method.means import epoch_means
from schuss.method.network import Network
from schuss.method.plan import Plan
from schuss.method.samples import Samples
from schuss.method.state import State
from schuss.training.answering import answered
from schuss.training.checkpoint import Checkpoint, Sound
from schuss.training.divergence import divergence
from schuss.training.recorder import Recorder
from schuss.training.replay import Kept, Replay
from schuss.training.restarting import RESTART, must_restart, restart_of, sees_each_step
from schuss.training.run import Run
from schuss.training.setup import Judge
from schuss.training.stopping import Progress, counted
from schuss.training.strides import Stride
from schuss.training.telling import Callback, Epoch, Tick, Ticker

__all__ = ["Loop"]

LET_GO = State(np.empty(0), np.empty((0, 0)))
LARGE = 2**25  # bytes of a state that is given up while steps are made of it


@dataclass
class Loop:
    """The training under way. Its fields change as it goes; it lives for one call of `train`."""

    network: Network
    samples: Samples
    plan: Plan
    engine: Engine
    judge: Judge | None
    callbacks: Sequence[Callback]
    progress: Callable[[Tick], None] | None
    first: State
    made: list[Advance] = field(default_factory=list)  # all that is kept; everything else follows
    best: State | None = None
    stopped: str = "epochs"
    reached: Progress = field(default_factory=Progress)
    judged: list[float] = field(default_factory=list)
    stride: Stride = field(default_factory=Stride)
    averaged: int = 0
    average: Array | None = None
    recorder: Recorder | None = None
    kept: Kept | None = None
    given: Kept | None = None  # what a training can begin with again of which no state is kept
    own: State | None = None  # held by nobody but the loop
    seconds: float = 0.0  # spent before, where the training goes on from a checkpoint
    _began: float = field(default_factory=time.perf_counter, init=False)
    _sound: Sound | None = field(default=None, init=False)  # while a stride is not wholly judged
    _given_up: State | None = field(default=None, init=False)

    @property
    def state(self) -> State:
        """After the last step that is kept."""
        return self.made[-1].state if self.made else self.first

    def run(self) -> Run:
        """Run strides until something says stop."""
        n = len(self.samples)
        self._began, self._from, self._reached_before = time.perf_counter(), self.state.step, self.reached
        self._way_back = (self.kept or self.given) if self.state.nbytes >= LARGE else None
        self.given = None  # takes room
        self._poll = Ticker(self.progress, self.plan, n, self._from)
        self._per_epoch = self.plan.steps_per_epoch(n)
        self.stride.changed = self._epochs_done
        try:
            with under_way() as self._keeping:
                self._strides(self.plan.steps(n))
            return self._result()
        except KeyboardInterrupt as error:  # in a callback, in the validation, or between two strides
            self.stopped = "interrupted"
            self._recover()
            raise TrainingInterrupted(self._result()) from error
        except DivergenceError as error:
            self.stopped = "diverged"
            error.run = self._result()
            raise
        finally:
            if self.recorder:
                self.recorder.close()

    def _strides(self, total: int) -> None:
        going = True
        while going and self.state.step < total:
            going = self._one_stride(min(total, self._stride_end()))
            if going and self.recorder:
                self._record_due(self.recorder)

    def _stride_end(self) -> int:
        """Return up to which step to run at once: whole epochs, or as far as a recorder lets it go."""
        step = self.state.step
        stop = self.stride.end(step, self._per_epoch)
        return min(stop, self.recorder.until(step)) if self.recorder else stop

    def _one_stride(self, stop: int) -> bool:
        start, began = self.state, time.perf_counter()
        self._sound = Sound(start, self.reached, len(self.judged), self.best, self.averaged, self.average)
        known, earlier = self._known_losses(start.step)
        made = self._advance(start, stop)
        sound = made.losses[:-1] if made.outcome == NOT_FINITE else made.losses
        if made.outcome != NOT_FINITE:
            self._keep(made)  # before callbacks hear of it, so that one that raises loses nothing
        means = self._epoch_means(np.concatenate([known, sound]) if len(known) else sound)
        keep, reason = self._judge(means[earlier:], start, made.state, means[0] if earlier else math.nan)
        has_reason = reason is not None
        if reason:
            self._cut(start, made, (start.step // self._per_epoch + keep) * self._per_epoch)
            if self._goes_on_after(reason):
                reason = None
            else:
                self.stopped = reason
        elif made.outcome == NOT_FINITE:
            self._diverge(start, made.state.step)
        self._sound = None
        if made.outcome == INTERRUPTED:
            raise made.error or KeyboardInterrupt
        self._poll(self.state.step, float(self.made[-1].losses[-1]))  # short strides are not polled
        if not has_reason:
            self._lengthen(time.perf_counter() - began)
        return reason is None

    def _diverge(self, start: State, stop: int) -> NoReturn:
        """Keep what is finite of a stride that is not, and raise."""
        if self._is_gone(start):
            start = self._make_again(start.step)
        error, before = divergence(self.engine, self.network, start, self.samples, self.plan, stop)
        self._sound = None
        if len(before.losses):
            self._keep(before)
        raise error

    def _advance(self, state: State, stop: int) -> Advance:
        every = self.recorder.norms.every if self.recorder else 0
        self._given_up = self._keeping.spare = state if self._may_give_up(state, stop) else None
        return self.engine.advance(
            self.network, state, self.samples, self.plan, stop, poll=self._poll, norms_every=every
        )

    def _is_spare(self, state: State) -> bool:
        """Return whether a large state is needed by nobody once steps are made of it, but after a mishap."""
        return state is self.own and self._way_back is not None and not self._shows_epochs

    def _may_give_up(self, state: State, stop: int) -> bool:
        """Return whether the loop will not go back to `state`, unless it can be made again."""
        epoch_ends = (state.step // self._per_epoch + 1) * self._per_epoch
        return self._is_spare(state) and (stop <= epoch_ends or not self._judges_epochs)

    def _is_gone(self, state: State) -> bool:
        return state is self._given_up and state is not self._keeping.spare

    def _make_again(self, step: int) -> State:
        """Put the training before `step` again, whose state is gone, or as far as an interruption lets it."""
        losses = self.last_losses(self.state.step)
        kept = cast(Kept, self._way_back)
        replay = Replay(self.network, self.plan, self.samples, self.engine, kept, losses)
        made = replay.towards(step)
        self.made = [Advance(made.state, losses[: made.state.step], DONE)]
        if made.outcome == INTERRUPTED:
            self._count_again()
            raise made.error or KeyboardInterrupt
        return made.state

    def _recover(self) -> None:
        """Stand on whole ground again, where an interruption fell into a stride that gave up its start."""
        sound = self._sound
        if sound is None or not self._is_gone(sound.state):
            return
        if self._is_gone(self.state) or (self._judges_epochs and self.state.step > sound.state.step):
            with suppress(KeyboardInterrupt):
                self._make_again(sound.state.step)
            if self._is_gone(self.state):
                raise KeyboardInterrupt
        self._count_again()

    def _count_again(self) -> None:
        """Count anew what was reached up to here."""
        first = self._from // self._per_epoch * self._per_epoch
        means = self._epoch_means(self.last_losses(self.state.step - first))
        self.reached = counted(self._reached_before, means.tolist(), self.plan, first, self._per_epoch)
        self._sound = None

    def last_losses(self, count: int) -> NDArray[np.float64]:
        """Return the losses of the last `count` steps."""
        step = self.state.step
        return np.concatenate([np.empty(0), *self._losses_between(step - count, step)])

    def _losses_between(self, first: int, stop: int) -> list[NDArray[np.float64]]:
        """Return the losses of steps [first, stop) in parts that follow each other."""
        found, end = list[NDArray[np.float64]](), self.state.step
        for made in reversed(self.made):
            if end <= first:
                break
            begin = end - len(made.losses)
            found.insert(0, made.losses[max(0, first - begin) : max(0, stop - begin)])
            end = begin
        return found

    def _keep(self, made: Advance) -> None:
        self.made.append(self._without_norms(made))
        self.first, self.own = LET_GO, made.state  # the losses stay, older states need not
        if len(self.made) > 1:
            self.made[-2] = self.made[-2]._replace(state=LET_GO)

    def _without_norms(self, made: Advance) -> Advance:
        """Let the recorder have the norms of a stride, and return the rest."""
        if self.recorder:
            self.recorder.norms.add(made.state.step - len(made.losses), made.norms)
        return made._replace(norms=NO_NORMS)

    def _cut(self, start: State, made: Advance, stop: int) -> None:
        """Run a stride that went beyond `stop` again, up to there."""
        if made.state.step == stop:
            return
        again = self._advance(start, stop)
        others = self.made if made.outcome == NOT_FINITE else self.made[:-1]
        self.made = [*others, self._without_norms(again)]
        if again.outcome == INTERRUPTED:
            raise again.error or KeyboardInterrupt

    def _goes_on_after(self, reason: str) -> bool:
        """Change the plan where its schedules answer to `reason`, and say whether they do."""
        answer = answered(reason, self.plan, self.reached, self.state.step)
        if answer is None:
            return False
        # in one statement, so that no signal finds one without the others
        (self.plan, self.reached), self._sound = answer, None
        self.stride.begin_again(self._epochs_done, 0 if self._goes_by_one else self.reached.sure(self.plan))
        return True

    def _epoch_means(self, losses: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the mean loss of each whole epoch among the steps' `losses`, shape (steps,)."""
        return epoch_means(losses, self.plan, len(self.samples))

    def _known_losses(self, step: int) -> tuple[NDArray[np.float64], int]:
        """Return losses before `step`: of the epoch under way, and of one before it if restarts ask for it.

        The second is how many epochs that is more: one where it began no earlier than the last restart.
        """
        restart = restart_of(self.plan)
        begun = step % self._per_epoch
        earlier = int(restart is not None and step - begun - self._per_epoch >= restart.last)
        return self.last_losses(begun + earlier * self._per_epoch), earlier

    def _judge(
        self, epochs: NDArray[np.float64], start: State, state: State, before: float
    ) -> tuple[int, str | None]:
        """Return how many of a stride's epochs to keep, and why not to go on as planned after them, if so.

        `before` is the loss of the epoch before them, NaN if there is none to compare with.
        """
        if not self._judges_epochs:  # asking after each takes a sixth of the time of small steps
            self.reached = self.reached.after_all(epochs, self.plan)
            return len(epochs), None
        for i, loss in enumerate(epochs.tolist(), start=1):
            seen = loss if self.judge is None else self._validate(self.judge, state)
            self.reached = self.reached.after(seen, self.plan)
            number = start.step // self._per_epoch + i
            self.take_average(number, state)
            asked = self._call_back(number, loss, state) if self.callbacks else None  # of the last epoch too
            reason = self.reached.reason(seen, self.plan) or asked
            if not reason and must_restart(self.plan, len(self.samples), (before, loss), (start, state)):
                reason = RESTART
            if reason:
                return i, reason
            before = loss
        return len(epochs), None

    @property
    def _judges_epochs(self) -> bool:
        """Whether anything but the last epoch can end a stride or has to be looked at."""
        plan = self.plan
        asked = self._shows_epochs or restart_of(plan) is not None
        return asked or plan.loss_goal is not None or plan.patience is not None

    @property
    def _shows_epochs(self) -> bool:
        """Whether the state after each epoch has to be looked at."""
        asked = self.callbacks or self.judge is not None or self.plan.average
        return bool(asked) or sees_each_step(self.plan)

    def take_average(self, number: int, state: State) -> None:
        """Count the weights after epoch `number` into the average, if that epoch belongs to it."""
        if number < self.plan.averages_from:
            return
        self.averaged += 1
        before = 0.0 if self.average is None else self.average
        self.average = before + (self.plan.result(state).astype(np.float64) - before) / self.averaged

    def _validate(self, judge: Judge, state: State) -> float:
        loss = judge(state)
        if loss < self.reached.best:
            self.best = state
        self.judged.append(loss)
        return loss

    def _call_back(self, number: int, loss: float, state: State) -> str | None:
        judged = self.judged[-1] if self.judged else None
        epoch = Epoch(number, loss, judged, state, self.network, self.plan)
        answers = [callback(epoch) for callback in self.callbacks]
        return "callback" if any(answers) else None

    @property
    def _goes_by_one(self) -> bool:
        """Whether each epoch must be seen, or cannot be taken back."""
        return self._shows_epochs or (self._judges_epochs and self._is_spare(self.state))

    def _lengthen(self, seconds: float) -> None:
        """Grow the stride while calls are short."""
        if not self._goes_by_one:
            sure = self.reached.sure(self.plan) if self._judges_epochs else None
            self.stride.lengthen(seconds, self.plan.epochs, self._epochs_done, sure)

    @property
    def _epochs_done(self) -> int:
        return self.state.step // self._per_epoch

    @property
    def _seconds(self) -> float:
        return self.seconds + time.perf_counter() - self._began

    def checkpoint(self, stopped: str | None = None) -> Checkpoint:
        """Return where the training stands, or stood before a stride that is not wholly judged."""
        sound = self._sound or Sound(
            self.state, self.reached, len(self.judged), self.best, self.averaged, self.average
        )
        return Checkpoint(
            state=sound.state,
            plan=self.plan,
            reached=sound.reached,
            judged=np.array(self.judged[: sound.judged], np.float64),
            best=sound.best,
            averaged=sound.averaged,
            average=sound.average,
            stopped=stopped,
            seconds=self._seconds,
        )

    def _record_due(self, recorder: Recorder) -> None:
        step = self.state.step
        if recorder.is_due(step):
            self._record(recorder)
        elif recorder.has_many(step):
            recorder.write_beside(self._losses_between(recorder.written, step))

    def _record(self, recorder: Recorder, stopped: str | None = None) -> None:
        checkpoint = self.checkpoint(stopped)
        stop = recorder.written if recorder.full else checkpoint.state.step
        recorder.write(checkpoint, self._losses_between(recorder.written, stop))

    def _result(self) -> Run:
        if self.recorder:
            self._record(self.recorder, self.stopped)
        step_loss = self.last_losses(self.state.step)
        loss = self._epoch_means(step_loss)
        judged = np.full(0 if self.judge is None else len(loss), np.nan)
        judged[: len(self.judged)] = self.judged
        return Run(
            network=self.network,
            plan=self.plan,
            state=self.state,
            loss=loss,
            step_loss=step_loss,
            validation_loss=judged,
            best=self.best,
            average=None if self.average is None else self.average.astype(self.state.theta.dtype),
            reached=self.reached,
            stopped=self.stopped,
            engine=self.engine.info,
            seconds=self._seconds,
            n_samples=len(self.samples),
            origin=self.samples,
            kept=self.kept,
        )
