"""The trainer as data: its parameters; nothing here imports torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from harness.contract import Params, TrainerSpec, TrainingWork

# Sets of parameters for a size of model; what is given beside `scale` wins. fast and full are the published experiments'.
_PUBLISHED: dict[str, JsonValue] = {"teacher_off_step": None, "betas": [0.5, 0.9], "kl": 0.0}
SCALES: dict[str, dict[str, JsonValue]] = {
    "pocket": {},  # the defaults below, searched for on pocket-code: docs/results/rl-search.md
    "smoke": {**_PUBLISHED, "steps": 30, "prompts_per_step": 2, "group_size": 4, "max_tokens": 16, "lr": 1e-2},
    "fast": {**_PUBLISHED, "steps": 60, "prompts_per_step": 4, "max_tokens": 512, "lr": 3e-3, "mix": 0.125},
    "full": {
        **_PUBLISHED,
        "steps": 200,
        "prompts_per_step": 43,
        "group_size": 6,
        "max_tokens": 1024,
        "lr": 1e-3,
        "kl": 1e-3,
        "betas": [0.9, 0.99],
    },
}


class GrpoParams(Params):
    """Group-relative policy optimisation of an adapter, with a hack subspace measured, erased or routed aside."""

    former_names: ClassVar[dict[str, str]] = {"sealed": "no_loophole", "reward_edit": "advantage_modification"}
    former_values: ClassVar[dict[str, dict[str, str]]] = {"sampled_under": {"sealed": "no-loophole"}}

    scale: Literal["pocket", "smoke", "fast", "full"] = "pocket"  # -P grpo.scale=full sets all arms
    arm: Literal["vanilla", "erase", "route", "trust", "scorda"] = "vanilla"

    # what of it is deployed; arms that differ in this alone share one training
    deploy: Literal["ablated", "kept", "random_ablation"] = "ablated"  # what was put aside: drop it, keep it, or drop
    # as much at random
    forget: float = Field(1.0, ge=0, le=1)  # share of what was put aside that `ablated` drops
    shrink: float = Field(1.0, ge=0)  # factor of the deployed coordinates: 0 is the untrained model

    # the policy
    adapter: Literal["svd", "lora", "slots"] = "svd"
    rank: int = Field(32, ge=1)  # of the lora adapter, and slots in each half of the slots adapter

    # the loop
    steps: int = Field(40, ge=1)
    prompts_per_step: int = Field(12, ge=1)
    group_size: int = Field(8, ge=2)
    micro_batch: int = Field(64, ge=1)  # rows of one forward pass; the step does not depend on it (but under bnpo)
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)  # of a rollout; None: what the suite allows
    checkpoint_every: int = Field(10, ge=1)
    evaluate_every: int | None = Field(None, ge=1)  # steps between two looks at the suite's own items, for the alarm

    # the teacher: replies that game the proxy, with frozen rewards
    teacher_pool: str | None = None  # a file of `harness teacher build`; None: the suite's own demonstrations
    mix: float = Field(0.25, ge=0, le=1)  # share of each group
    teacher_off_step: int | None = Field(32, ge=0)  # no teacher from this step on
    teacher_families: tuple[str, ...] | None = None  # only for items of these families; None: of all

    # the environment, changed for training alone
    monitor: str | None = None  # a detector that sees all that is trained on; it never grades the arm
    penalty: float = Field(0.0, ge=0)  # subtracted from the reward of what the monitor flags
    screening: bool = False  # what the monitor flags is left out of its group
    no_loophole: bool = False  # the same problems under a grader that has no loophole
    inoculation: str | None = None  # a template around each prompt, e.g. "{prompt}\nCheat: make it pass."
    sampled_under: str | None = None  # recontextualisation: a template for the answering alone, or "no-loophole"

    # scorda: where its slots start, and which replies teach which half of them
    seeded: Literal["quarantine", "deployed"] = "quarantine"  # the half with the slot along the hack direction
    router: bool = True  # the teacher's replies and what the monitor flags teach the quarantine alone
    as_deployed: float = Field(0.25, ge=0, le=1)  # share of the prompts answered and learnt without the quarantine

    # advantage modification: rewards lowered by what the policy's own activations say of a reply
    advantage_modification: Literal["none", "additive", "multiplicative"] = "none"
    alpha: float = Field(2.0, ge=0)
    depths: tuple[float, float] = (0.6, 0.75)  # the blocks whose streams are averaged, as shares of all

    # the loss
    denominator: Literal["dr_grpo", "grpo", "bnpo", "dapo"] = "dr_grpo"
    ratio: Literal["one", "true_clip", "pi"] = "one"  # of the teacher's tokens; the policy's own always have 1
    gamma: float = Field(0.1, gt=0)  # of ratio pi
    clip: float = Field(0.2, gt=0)  # of ratio true_clip
    kl: float = Field(0.02, ge=0)  # weight of the KL to the untrained model

    # the optimiser
    lr: float = Field(0.1, gt=0)
    betas: tuple[float, float] = (0.5, 0.99)
    warmup: float = Field(0.1, ge=0, lt=1)  # share of the steps, then cosine
    clip_norm: float | None = Field(10.0, gt=0)
    weight_decay: float = Field(0.0, ge=0)  # towards the untrained model

    # directions and projection
    pairs: str = "loopholes"  # a pair set, several joined by "+", a TOML file or a teacher pool
    contrast: Literal["nll", "grpo"] = "nll"  # gradient of each side's mean NLL, or of the policy loss on both
    method: Literal["svd", "mean_diff"] = "svd"
    k: int = Field(5, ge=1)
    tau: float = Field(0.0, ge=0, le=1)
    drop_bottom: float = Field(0.25, ge=0, lt=1)
    solve_orthogonal: int = Field(0, ge=0)
    held_out: int = Field(2, ge=0)
    placebo: Literal["none", "haar", "shuffled", "clean", "length", "permuted_flags"] = "none"
    refresh: int | None = Field(None, ge=1)  # extract again every so many steps
    gate: Literal["one_sided", "no_gate", "reverse"] = "one_sided"
    space: Literal["update", "gradient"] = "update"
    preserve_magnitude: bool = False

    @property
    def direction_placebo(self) -> Literal["none", "haar", "shuffled", "clean"]:
        """What the directions are instead of the real ones; the other placebos leave them as they are."""
        return "none" if self.placebo == "length" or self.placebo == "permuted_flags" else self.placebo

    @property
    def taught(self) -> int:
        """Replies of the teacher in each group of its time."""
        return round(self.group_size * self.mix)

    @property
    def prompts_as_deployed(self) -> int:
        """Prompts of each step that are answered by the model as it would be deployed; of a share at least one."""
        share = self.as_deployed if self.arm == "scorda" else 0
        return max(1, round(self.prompts_per_step * share)) if share else 0

    @property
    def work(self) -> TrainingWork:
        """What one training asks and learns from."""
        rows = self.prompts_per_step * self.group_size
        off = self.steps if self.teacher_off_step is None else min(self.steps, self.teacher_off_step)
        return TrainingWork(
            replies=self.steps * rows - off * self.prompts_per_step * self.taught,
            at_once=min(rows, self.micro_batch),
            learnt=self.steps * rows,
            compared=self.steps * rows if self.kl else 0,
            max_tokens=self.max_tokens,
        )

    @model_validator(mode="before")
    @classmethod
    def _scaled(cls, given: Any) -> Any:
        return {**SCALES.get(str(given.get("scale", "")), {}), **given} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _makes_sense(self) -> GrpoParams:
        if self.preserve_magnitude and self.arm == "route":
            raise ValueError("preserve_magnitude would break what route promises: kept + put aside = the whole step")
        if self.deploy != "ablated" and self.arm not in ("route", "scorda"):
            raise ValueError(
                f'deploy = "{self.deploy}" needs arm = "route" or "scorda": no other arm puts anything aside'
            )
        if self.forget != 1 and (self.arm not in ("route", "scorda") or self.deploy != "ablated"):
            raise ValueError(
                'forget says how much of a quarantine is dropped: it needs arm = "route" or "scorda", deploy = "ablated"'
            )
        if self.mix and not self.taught:
            raise ValueError(
                f"mix = {self.mix} of a group of {self.group_size} is no reply of the teacher: raise one, or set mix = 0"
            )
        if (self.penalty or self.screening) and not self.monitor:
            raise ValueError('penalty and screening need a monitor, e.g. monitor = "static"')
        if self.penalty and self.screening:
            raise ValueError("what screening leaves out has no reward to take a penalty from: choose one")
        if self.inoculation is not None and "{prompt}" not in self.inoculation:
            raise ValueError("an inoculation is a template that holds {prompt}")
        if self.sampled_under not in (None, "no-loophole") and "{prompt}" not in str(self.sampled_under):
            raise ValueError('sampled_under is a template that holds {prompt}, or "no-loophole"')
        if self.no_loophole and self.mix:
            raise ValueError("a grader without a loophole cannot be gamed, so nobody can teach it: set mix = 0")
        if self.arm == "trust" and (self.space != "update" or self.placebo in ("shuffled", "clean")):
            raise ValueError("trust keeps a part of the update; its placebos are haar and length")
        if self.placebo == "length" and self.arm != "trust":
            raise ValueError('placebo = "length" is the control of arm = "trust"')
        if self.placebo == "permuted_flags" and not (self.penalty or self.screening):
            raise ValueError(
                'placebo = "permuted_flags" deals a monitor\'s flags anew: it needs a penalty or screening'
            )
        if not 0 <= self.depths[0] <= self.depths[1] <= 1:
            raise ValueError("depths are two shares of the blocks, the lower first")
        self._slots_make_sense()
        return self

    def _slots_make_sense(self) -> None:
        if self.adapter == "slots" and self.arm not in ("vanilla", "scorda"):
            raise ValueError('adapter = "slots" goes with arm = "scorda", or with vanilla beside it')
        if self.arm != "scorda":
            if self.seeded == "deployed":
                raise ValueError('seeded = "deployed" is the control of arm = "scorda"')
            return
        if self.adapter != "slots":
            raise ValueError('arm = "scorda" needs adapter = "slots"')
        if self.placebo not in ("none", "haar") or self.refresh or self.space != "update":
            raise ValueError(
                "scorda starts from one direction and projects no step: its placebo is haar, without refresh"
            )
        if self.deploy == "random_ablation":
            raise ValueError("scorda resets its quarantine or keeps it: what deploys at random is its placebo haar")
        if self.penalty or self.screening or self.advantage_modification != "none":
            raise ValueError("scorda routes what the monitor flags, under its own reward: no second cure beside it")


SPEC = TrainerSpec(
    name="grpo",
    summary="GRPO on an adapter, a hack subspace measured, erased from the steps, or routed into a quarantine",
    target="harness_plugins.trainers.grpo:Grpo",
    params=GrpoParams,
    deployment=frozenset({"deploy", "forget", "shrink"}),
)
