"""The handlers. Only runners import this module."""

from rowcrew import Context, Crew

crew = Crew()


@crew.job("greet", max_attempts=3)
async def greet(context: Context, name: str, language: str = "en") -> str:
    """Greet somebody by name."""
    context.progress(1, 1, f"greeting {name}")
    return f"{'Hola' if language == 'es' else 'Hello'}, {name}!"


@crew.on_shutdown(timeout=1)
def say_goodbye() -> None:
    print("Goodbye!")
