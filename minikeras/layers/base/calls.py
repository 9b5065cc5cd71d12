"""What happens when a layer is called.

In this order: convert the inputs, build the weights on the first call, check the inputs, choose
`training` and the masks, run `call`, add the activity's penalty, pass the mask on. On a model's
symbolic tensors the same happens with shapes alone, and one node joins the graph.

What a call sets for the calls inside it, it sets inside a `try` and puts back in the `finally` by
plain assignments. Python lets no signal handler in between these; on the way into the `__exit__` of
a context manager it does, and an exception of the handler would leave the scope open for ever.
"""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from minikeras.arrays import device
from minikeras.arrays.foreign import is_array
from minikeras.autograd import symbolic
from minikeras.autograd.base_ops import cast
from minikeras.autograd.composite import convert_to_tensor
from minikeras.autograd.symbolic import Abstract, KerasTensor, SymbolicNode
from minikeras.autograd.tensor import Tensor
from minikeras.autograd.variable import autocasting
from minikeras.core import dims, dtypes, names, trees
from minikeras.core.work import work_of
from minikeras.layers.base.building import building
from minikeras.layers.base.call_spec import context, shapes_of, signature_of, tensor_arguments
from minikeras.layers.base.input_spec import check_inputs
from minikeras.layers.base.marks import overrides


class Calls:
    """The part of Layer that runs it."""

    # What the other parts give.
    name: str
    path: str | None
    built: bool
    input_spec: Any
    autocast: bool
    compute_dtype: Any
    input_dtype: Any
    variable_dtype: Any
    activity_regularizer: Any
    supports_masking: bool
    call: Callable[..., Any]
    build: Callable[..., Any]
    compute_mask: Callable[..., Any]
    compute_output_shape: Callable[..., Any]
    compute_output_spec: Callable[..., Any]
    add_loss: Callable[..., Any]
    weights: list[Any]
    _layers: list[Any]
    _allows_options_by_position: bool
    _check_initialized: Callable[[], None]
    _clear_losses: Callable[[], None]
    _mark_built: Callable[..., Any]
    _inbound_nodes: list[SymbolicNode]
    _outbound_nodes: list[SymbolicNode]

    def __call__(self, *args, **kwargs):
        """Run the layer on tensors, or add it to a model's graph if they are symbolic."""
        self._check_initialized()
        if symbolic.any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        if not device.in_use:
            return self._run(args, kwargs)
        with device.place_of_first(self._by_place(args, kwargs)):
            return self._run(args, kwargs)

    def _by_place(self, args, kwargs):
        """What says where to compute: the arguments and, if these lie nowhere yet, the weights."""
        yield from (args, kwargs)
        yield self.weights

    def symbolic_call(self, *args, **kwargs):
        """Add one node to a model's graph and return the symbolic outputs."""
        self._check_positional(args)
        if self.built and self.path is None:
            self._mark_built()
        with work_of(lambda: f"the {type(self).__name__} '{self.name}'"):
            result = self._infer(symbolic.to_abstract(args), symbolic.to_abstract(kwargs))
        outputs = symbolic.to_symbolic(result)
        SymbolicNode(self, args, kwargs, outputs)
        return outputs

    def _infer(self, args, kwargs):
        """Run the layer on shapes alone."""
        outer = symbolic.scope.abstract
        try:
            symbolic.scope.abstract = True
            return self._run(tuple(args), dict(kwargs))
        finally:
            symbolic.scope.abstract = outer

    def _run(self, args, kwargs):
        args, kwargs = self._converted(args, kwargs)
        signature = signature_of(type(self).call)
        if self.input_spec is not None:
            first = args[0] if args else kwargs.get(signature.names[0])
            check_inputs(self.input_spec, first, self.name)
        if not self.built:
            with building:
                if not self.built:
                    self._build_from(signature, args, kwargs)
        outer_training, outermost = context.training, context.entry is None
        try:
            if outermost:
                context.entry = self
                self._clear_losses()
            context.training = self._choose_training(signature, kwargs)
            masks = self._fill_in_masks(signature, args, kwargs)
            outputs = self._call_in_scope(args, kwargs)
            if not self.built:
                self._mark_built()
            if self.activity_regularizer is not None:
                self._add_activity_losses(outputs)
            self._pass_mask_on(args, kwargs, signature, masks, outputs)
        finally:
            context.training = outer_training
            if outermost:
                context.entry = None
        return outputs

    def _call_in_scope(self, args, kwargs):
        if self._declares_output() and _any_abstract(args, kwargs):
            return self._declared_output(args, kwargs)
        target = self._autocast_target()
        if target == autocasting.dtype and not self._layers:
            return self.call(*args, **kwargs)
        return self._call_within(target, args, kwargs)

    def _call_within(self, target, args, kwargs):
        """Run `call` in the scope of the layer's name and dtype."""
        outer_names, outer_dtype = names.scopes.names, autocasting.dtype
        try:
            names.scopes.names, autocasting.dtype = (*outer_names, self.name), target
            return self.call(*args, **kwargs)
        finally:
            names.scopes.names, autocasting.dtype = outer_names, outer_dtype

    def _autocast_target(self):
        """The dtype in which `call` reads float variables, None for their own."""
        mixed = self.autocast and self.compute_dtype != self.variable_dtype
        return self.compute_dtype if mixed else None

    def _add_activity_losses(self, outputs):
        """Penalties of the outputs, per sample, so that they weigh the same in any batch size."""
        for out in trees.flatten(outputs):
            if isinstance(out, Tensor):
                penalty = self.activity_regularizer(out)
                self.add_loss(penalty / max(out.shape[0], 1) if out.shape else penalty)

    # Inputs

    def _converted(self, args, kwargs):
        """Arrays become tensors, float tensors take the input dtype."""
        if len(args) == 1 and not kwargs:
            x = args[0]
            if type(x) is Tensor and (x.dtype == self.input_dtype or not self.autocast):
                return args, {}
        args = tuple([trees.map_structure(self._convert_leaf, a) for a in args])
        self._check_positional(args)
        return args, {k: trees.map_structure(self._convert_leaf, v) for k, v in kwargs.items()}

    def _convert_leaf(self, x):
        if not isinstance(x, (Tensor, Abstract)):
            if hasattr(x, "as_operand"):
                x = x.as_operand()
            elif is_array(x):
                x = convert_to_tensor(x)
            else:
                return x
        if not self.autocast or x.dtype == self.input_dtype or not dtypes.is_float(x.dtype):
            return x
        converted = cast.run(x, dtype=self.input_dtype)
        if hasattr(x, "_keras_mask"):
            converted._keras_mask = x._keras_mask
        return converted

    def _check_positional(self, args):
        if self._allows_options_by_position:
            return
        for value in trees.flatten(list(args)):
            if value is not None and not isinstance(value, (Tensor, Abstract, KerasTensor)):
                raise ValueError(
                    "By position a layer takes tensors alone: pass what else its `call` takes by "
                    f"name. Received by position: {value} (of type {type(value).__name__})"
                )

    def _choose_training(self, signature, kwargs):
        """`training` as given, else the outer call's, else `call`'s own default."""
        training = kwargs.get("training")
        if training is None:
            training = context.training
            if training is None:
                training = signature.defaults.get("training")
            if signature.has("training"):
                kwargs["training"] = training
        elif not (signature.has("training") or signature.takes_any):
            kwargs.pop("training")
        return training

    def _fill_in_masks(self, signature, args, kwargs):
        """Fill in `mask` from the masks that the inputs carry; return those of the first input."""
        mask = kwargs.get("mask")
        if len(args) == 1 and mask is None and not trees.is_nested(args[0]):
            masks = getattr(args[0], "_keras_mask", None)
            if masks is None:
                return None
        named = signature.named(args, kwargs)
        first_name = next(iter(named), None)
        first = masks_of(named[first_name]) if first_name is not None else None
        if signature.has("mask") and mask is None and "mask" not in signature.names[: len(args)]:
            kwargs["mask"] = first
        for name in list(named):
            own = f"{name}_mask"
            if own in signature.names and kwargs.get(own) is None:
                kwargs[own] = masks_of(named[name])
        return first if mask is None else mask

    def _pass_mask_on(self, args, kwargs, signature, masks, outputs):
        if not self.supports_masking:
            if masks is not None and not signature.has("mask"):
                self._warn_of_lost_mask(masks)
            return
        if masks is None and not overrides(self, "compute_mask"):
            return
        first = args[0] if args else kwargs[signature.names[0]]
        mask = self.compute_mask(first, masks)
        if mask is None:
            return
        flat_outputs = trees.flatten(outputs)
        flat_masks = [mask] if len(flat_outputs) == 1 else trees.flatten(mask)
        for out, m in zip(flat_outputs, flat_masks, strict=False):
            if m is not None and getattr(out, "_keras_mask", None) is not m:
                out._keras_mask = m

    def _warn_of_lost_mask(self, masks):
        if any(m is not None for m in trees.flatten(masks)):
            warnings.warn(
                f"Layer '{self.name}' (of type {type(self).__name__}) received a masked input and "
                "does not support masks, so the mask ends here: the layers after it treat all "
                "steps alike.",
                stacklevel=5,
            )

    # Shapes

    def _declares_output(self):
        return overrides(self, "compute_output_shape") or overrides(self, "compute_output_spec")

    def _declared_output(self, args, kwargs):
        """The outputs' shapes as an overridden `compute_output_shape` or `_spec` tells them."""
        if overrides(self, "compute_output_spec"):
            spec = self.compute_output_spec(*symbolic.to_symbolic(args), **kwargs)
            return symbolic.to_abstract(spec)
        named = tensor_arguments(signature_of(type(self).call).named(args, kwargs))
        taken = signature_of(type(self).compute_output_shape)
        shapes = {f"{name}_shape": shapes_of(value) for name, value in named.items()}
        if len(taken.names) == 1 and not taken.has(next(iter(shapes))):
            shape = self.compute_output_shape(next(iter(shapes.values())))
        else:
            shape = self.compute_output_shape(
                **{k: v for k, v in shapes.items() if taken.has(k) or taken.takes_any}
            )
        batch = trees.flatten(next(iter(named.values())))[0].shape[:1]
        return abstract_of(shape, self.compute_dtype, batch)

    def _build_from(self, signature, args, kwargs):
        """Build with the shapes of the tensors among the arguments of the first call."""
        named = tensor_arguments(signature.named(args, kwargs))
        shapes = {name: shapes_of(value) for name, value in named.items()}
        if not overrides(self, "build"):
            self._build_shapes = next(iter(shapes.values()), None)
            if all(sub.built for sub in self._layers) or self._try_on_shapes(args, kwargs):
                self._mark_built()
            return
        if not shapes:
            raise ValueError(f"Layer '{self.name}' cannot be built: no tensor was passed to it.")
        wanted = signature_of(inspect.unwrap(type(self).build)).names
        if len(wanted) <= 1:
            self.build(*[next(iter(shapes.values()))][: len(wanted)])
            return
        stems = {name: name.removesuffix("_shape") for name in wanted}
        self.build(**{name: shapes[stem] for name, stem in stems.items() if stem in shapes})

    def _try_on_shapes(self, args, kwargs):
        """Run `call` on shapes alone, which builds the layers inside; return whether that worked.

        Keras does so, too, and the same seed gives the same weights only if code of a user's own
        in `build` and `call` runs as often here. Errors are left to the call itself.
        """
        shapes, named_shapes = _shapes_alone(args), _shapes_alone(kwargs)
        with symbolic.trial_scope():
            try:
                self._call_within(self._autocast_target(), shapes, named_shapes)
            except Exception:
                return False
        return True


def _shapes_alone(tree):
    """A nest with the shape, dtype and mask of each tensor in its place."""

    def convert(x):
        if not isinstance(x, Tensor):
            return x
        abstract: Any = Abstract(x.shape, x.dtype)
        mask = getattr(x, "_keras_mask", None)
        if mask is not None:
            abstract._keras_mask = _shapes_alone(mask)
        return abstract

    return trees.map_structure(convert, tree)


def _any_abstract(args, kwargs):
    return symbolic.in_abstract_scope() and any(
        isinstance(leaf, Abstract) for leaf in trees.flatten((args, kwargs))
    )


def masks_of(value):
    """Return the masks that a tensor, or a nest of them, carries; None if there is none."""
    if not trees.is_nested(value):
        return getattr(value, "_keras_mask", None)
    masks = trees.map_structure(lambda x: getattr(x, "_keras_mask", None), value)
    return masks if any(m is not None for m in trees.flatten(masks)) else None


def abstract_of(shape, dtype, batch=()):
    """Return Abstracts for a shape or nest of shapes; an unknown batch size is the input's."""
    if shape is None:
        return None
    if _is_shape(shape):
        if batch and len(shape) and shape[0] is None:
            shape = (*batch, *shape[1:])
        return Abstract(shape, dtype)
    if isinstance(shape, dict):
        return {key: abstract_of(value, dtype, batch) for key, value in shape.items()}
    return type(shape)(abstract_of(value, dtype, batch) for value in shape)


def _is_shape(value):
    return isinstance(value, (tuple, list)) and all(
        size is None or isinstance(size, (int, dims.Dim)) for size in value
    )
