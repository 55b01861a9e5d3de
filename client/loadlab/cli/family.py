"""What all commands have in common: options in groups, examples, and a guess at what was mistyped."""

import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

_Command = Callable[..., int | None]
OTHERS = "Options"
"""The heading of options that belong to no group."""


class Command(click.Command):
    """A command whose `--help` shows its options in groups, and then examples."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:  # noqa: ANN401 - as click has it
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each group under its own heading, in the options' order; those without one come last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            row = parameter.get_help_record(ctx)
            if isinstance(parameter, click.Option) and row is not None:
                heading = parameter.heading if isinstance(parameter, GroupedOption) else OTHERS
                groups.setdefault(heading, []).append(row)
        for heading, rows in sorted(groups.items(), key=lambda group: group[0] == OTHERS):
            with formatter.section(heading):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then what click has for the end."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"  $ {example}\n")
        super().format_epilog(ctx, formatter)


class GroupedOption(click.Option):
    """An option with the heading under which `--help` shows it."""

    heading = OTHERS


def option(*names: str, **kwargs: Any) -> Callable[[_Command], _Command]:  # noqa: ANN401 - as click has it
    """Return click's decorator for an option that belongs to a group."""
    return click.option(*names, cls=GroupedOption, **kwargs)


def with_options(
    heading: str, options: Iterable[Callable[[_Command], _Command]]
) -> Callable[[_Command], _Command]:
    """Give a command these options under a heading, in their order."""

    def decorate(command: _Command) -> _Command:
        for each in reversed(tuple(options)):
            command = each(command)
            added = command.__click_params__[-1]  # type: ignore[attr-defined] # where click keeps them
            added.heading = heading
        return command

    return decorate


class Commands(click.Group):
    """All commands, with a guess at one that was mistyped."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:  # noqa: ANN401 - as click has it
        """Suggest the command that was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(f"{error.message}{guess(args[0], self.list_commands(ctx))}", ctx) from None


def guess(text: str, known: Iterable[str]) -> str:
    """Return the sentence that asks whether the nearest was meant; nothing where none is near."""
    near = difflib.get_close_matches(text, list(known), n=1)
    return f" Did you mean {near[0]}?" if near else ""
