"""Why a gradient? What each reader of the value sent; of a parameter, what each step added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from rnn_engine import explain
from rnn_engine.core.arithmetic import PRODUCT_OF_MATRIX
from rnn_engine.core.language import Apply, Expr, Read
from rnn_engine.core.losses import CrossEntropy
from rnn_engine.core.operation import Index
from rnn_engine.core.plan import Sender
from rnn_engine.core.steps import Stops, running_sum
from rnn_engine.core.tape import Tape
from rnn_engine.element import Made, gradient_rule, initial_rule, parameter_rule
from rnn_engine.place import Place, absence, padded, set_by_hand, undefined
from rnn_engine.quantity import Cell
from rnn_engine.why.answer import Asking, Summand, Why
from rnn_engine.why.origins import origins, portions, start_of


class Backward(Asking):
    """A gradient, of a value or of a parameter."""

    def gradient(self) -> Why:
        cell = self.cell
        iteration = self.timeline.iteration(cell.iteration)
        _ = iteration.gradients
        tape, plan = iteration.tape, iteration.tape.plan
        assert cell.t is not None
        place = cell.t - 1 - tape.start
        here = Place(tape, place, cell.sequence)
        rule = explain.backward_formula(here, cell.name).symbols
        j = cell.index[0] if cell.index else 0
        value = float(tape.gradient(cell.name)[place, cell.sequence, j])
        terms: list[Summand] = []
        if cell.name == "loss":
            weight = self.session.run.weights(tape)[place, cell.sequence]
            terms.append(("weight of this loss in the objective", float(weight), None))
        for loss, source in plan.fused.items():
            if plan.program.equations[cell.name].root is source:  # its stop stands for its argument
                terms += self._fused_terms(here, plan.stands_for_argument[cell.name], loss, j)
        for sender in plan.senders.get(cell.name, ()):
            if 0 <= place - sender.offset < tape.T:
                terms += self._sent_terms(here.at(place - sender.offset), sender, j)
        return self.answer(value, rule, terms, True, self._made(here))

    def _made(self, here: Place) -> Made | None:
        """The rule of an element of a gradient; none where there is nothing that could get one."""
        name, tape, program = self.cell.name, here.tape, here.tape.plan.program
        if undefined(here, name) or (padded(here) and name not in program.states):
            return None
        own = None
        if name == "loss":
            own = self.session.run.reduction.text(tape.undefined(name), tape.T, tape.B)
        return gradient_rule(here, name, self.cell.index if program.shapes[name] else (), own)

    def _sent_terms(self, there: Place, sender: Sender, j: int) -> Iterator[Summand]:
        """What one reader sends to element j."""
        plan = there.tape.plan
        if undefined(there, sender.equation) or padded(there):
            first = (0,) if plan.program.shapes[sender.equation] else ()
            source = self._sending(there, sender.equation, first)
            yield f"nothing from {self.label(source)}: {absence(there)}", 0.0, source
            return
        start = start_of(plan, sender.equation)
        for leaf in sender.leaves:
            fused = next((e for e, softmax in plan.fused.items() if softmax.args[0] is leaf), None)
            if fused is not None:
                yield from self._fused_terms(there, sender.equation, fused, j)
                continue
            parent = plan.reader[leaf]
            if parent.operation is PRODUCT_OF_MATRIX:
                each = [origins(plan, parent, start, (k,)) for k in range(parent.shape[0])]
                if all(len(found) == 1 for found in each):
                    sending = [self._sending(there, sender.equation, found[0]) for found in each]
                    yield from self._product_terms(there, parent, sending, j)
                    continue
            yield from self._leaf_terms(there, sender, leaf, j)

    def _product_terms(self, there: Place, product: Apply, sending: list[Cell], j: int) -> Iterator[Summand]:
        """What the elements of a matrix product send to element j of its vector, each from a gradient of its own."""
        matrix, g = there.value(product.args[0]), there.gradient(product)
        for k, source in enumerate(sending):
            part = float(matrix[k, j] * g[k])
            handed = self.named(there, product, (k,), True)
            yield f"{self.entry(product.args[0], k, j)} * {handed}{_cut(there, source, part)}", part, source

    def _leaf_terms(self, there: Place, sender: Sender, leaf: Read, j: int) -> Iterator[Summand]:
        """What one read sends to element j, apart for every element of the sender's gradient that it comes from."""
        alone = replace(sender, leaves=(leaf,))  # not what the other reads of the same value send
        rule = explain.sent_rule(there.at(there.place + sender.offset), alone)
        start = start_of(there.tape.plan, sender.equation)
        found = origins(there.tape.plan, leaf, start, (j,) if leaf.shape else ())
        if len(found) == 1:
            source, sent = self._sending(there, sender.equation, found[0]), float(there.sent(leaf)[j])
            yield f"from {self.label(source)}: {rule}{_cut(there, source, sent)}", sent, source
            return
        parts = portions(there, leaf, start)[:, j]
        for at in found:
            source, part = self._sending(there, sender.equation, at), float(parts[at[0]])
            yield f"from {self.label(source)} in {rule}{_cut(there, source, part)}", part, source

    def _largest(self, there: Place, equation: str, leaf: Expr, index: Index, among: Sequence[Index]) -> Cell:
        """The one among the elements of an equation's gradient that sends most to an element of a leaf."""
        plan, largest = there.tape.plan, among[0]
        if len(among) > 1:
            if (
                len(leaf.shape) == 2
            ):  # all that a row of a matrix gets is what its product gets, times the same
                leaf, index = plan.reader[leaf], index[:1]
            sizes = np.abs(portions(there, leaf, start_of(plan, equation))[:, index[0] if index else 0])
            largest = max(among, key=lambda at: np.nan_to_num(sizes[at[0]], nan=np.inf))
        return self._sending(there, equation, largest)

    def _sending(self, there: Place, equation: str, index: Index) -> Cell:
        """An element of the gradient that an equation hands on."""
        t = there.tape.start + there.place + 1
        return Cell("gradient", self.cell.iteration, equation, index, t, there.sequence)

    def _fused_terms(self, there: Place, equation: str, loss: Apply, j: int) -> Iterator[Summand]:
        """p − y: what a loss sends to element j of the argument of the softmax it is taken together with."""
        plan = there.tape.plan
        softmax, y = plan.fused[loss], there.value(loss.args[1])
        among = origins(plan, loss, start_of(plan, equation), ())
        sending = self._largest(there, equation, loss, (), among)
        weight = float(there.gradient(loss)[0])
        index = (j,) if softmax.shape else ()
        share = float(np.sum(y)) if loss.operation.name == "cross_entropy" else 1.0
        p = next((e.name for e in plan.program.equations.values() if e.root is softmax), None)
        source = sending if p is None else self.found(p, sending.t or 0, index)
        name = self.name_of(there, softmax, index) if p is None else self.label(source)
        target, handed = self.name_of(there, loss.args[1], index), self.named(there, loss, (), True)
        assert isinstance(loss.operation, CrossEntropy)
        total = "" if loss.operation.is_one(share) else f" * sum(y[{sending.t}])"
        yield f"{handed} * {name}{total}", weight * share * float(there.value(softmax)[j]), source
        yield f"-{handed} * {target}", -weight * float(y[j]), sending

    def parameter_gradient(self) -> Why:
        cell = self.cell
        iteration = self.timeline.iteration(cell.iteration)
        total = np.asarray(iteration.gradients[cell.name])
        tape, plan = iteration.tape, iteration.tape.plan
        stops = Stops(plan.backward_order, tape.T)
        if cell.name in iteration.run.trained:
            if cell.so_far is not None:
                said = f"∂{cell.name} is summed up at the end of the way back"
                return self.answer(0.0, said, [], True)
            terms, state = self._initial_terms(tape), iteration.run.trained[cell.name]
            made = initial_rule(tape, state, cell.index) if terms else None
            said = f"∂{cell.name} = what its readers send"
            return self.answer(float(total[cell.index]), said, terms, True, made, alone=tape.B == 1)
        terms, added = [], []
        whose = Place(tape, 0, cell.sequence)
        rules = [explain.added_rule(whose, use) for use in plan.uses[cell.name]]
        over = "Σ_t" if tape.B == 1 else "Σ_t,b"
        sums = " + ".join(f"{over} {rule if ' ' not in rule else f'({rule})'}" for rule in rules) or "0"
        last, rule = len(stops) - 1, f"∂{cell.name} = {sums}"
        if cell.so_far is not None:
            last, rule = cell.so_far, f"∂{cell.name} so far = {sums}, up to here"
            total = running_sum(tape, cell.name, stops, last)
        for use in plan.uses[cell.name]:
            equation = use.node.equation.name
            among = origins(plan, use.read, start_of(plan, equation), cell.index)
            for place in reversed(range(tape.T)[stops.walked(equation, last)]):
                part = np.reshape(
                    tape.parameter_part(use, slice(place, place + 1)), plan.program.parameters[cell.name]
                )
                here = Place(tape, place, cell.sequence)
                source = self._largest(here, equation, use.read, cell.index, among)
                most = f", most from {self.label(source)}" if len(among) > 1 else ""
                added.append((use, place, float(part[cell.index])))
                terms.append((f"added at {equation}[{source.t}]{most}", float(part[cell.index]), source))
        made = parameter_rule(tape, cell.index, added)
        return self.answer(float(total[cell.index]), rule, terms, True, made, alone=tape.B == 1)

    def _initial_terms(self, tape: Tape) -> list[Summand]:
        """What the first time step's equations send to a learned initial state, all sequences together."""
        state, j = self.session.run.trained[self.cell.name], self.cell.index[0] if self.cell.index else 0
        terms: list[Summand] = []
        if not self.session.schedule.window(self.cell.iteration).fresh:
            return terms  # this window starts from where the one before ended
        for sender in tape.plan.senders.get(state, ()):
            if not -tape.T <= sender.offset < 0:
                continue
            for b in range(tape.B):
                of = f" in sequence {b + 1}" if tape.B > 1 else ""
                sent = self._sent_terms(Place(tape, -1 - sender.offset, b), sender, j)
                terms += [(f"{text}{of}", value, source) for text, value, source in sent]
        return terms


def _cut(there: Place, sending: Cell, part: float) -> str:
    """A word where an element was set by hand, so that its gradient goes no further.

    A softmax has a part of the other elements' gradients to send all the same.
    """
    elements = set_by_hand(there, sending.name)
    return ", set by hand: nothing passes" if (sending.index or (0,))[0] in elements and not part else ""
