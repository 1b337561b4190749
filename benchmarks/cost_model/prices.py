"""List prices in US dollars, pay as you go. Yours depend on region, agreement and day: check them."""

from dataclasses import dataclass

GB = 10**9


@dataclass(frozen=True)
class Price:
    """What one unit costs, above a monthly free grant; where that was read."""

    part: str
    unit: str
    dollars: float
    free: float
    source: str


_PAGE = "public quotes of Azure's price list, read November 2026"
PRICES = {
    price.part: price
    for price in (
        Price("Speech, batch", "hour of audio", 0.18, 0, f"S0, standard model; {_PAGE}"),
        Price("Functions, time", "GB-second", 0.000026, 100_000, f"Flex Consumption, on demand; {_PAGE}"),
        Price("Functions, executions", "execution", 0.40 / 1e6, 250_000, f"Flex Consumption, on demand; {_PAGE}"),
        Price("Blob writes and lists", "request", 0.05 / 1e4, 0, f"hot, LRS; {_PAGE}"),
        Price("Blob reads and others", "request", 0.004 / 1e4, 0, f"hot, LRS; {_PAGE}"),
        Price("Blob capacity", "GB-month", 0.0184, 0, f"hot, LRS; {_PAGE}"),
        Price("Queue requests", "request", 0.004 / 1e4, 0, "LRS; not confirmed by a source, taken as a blob read's"),
        Price("Event Grid", "operation", 0.60 / 1e6, 100_000, "basic tier; Microsoft's documentation of IoT Hub"),
        Price("Availability test", "call", 0.00056, 0, _PAGE),
        Price("Alert rules", "log alert", 0.50, 0, "looked at every 15 minutes; not confirmed by a source"),
        Price("Logs", "GB", 2.30, 5, f"Analytics Logs; {_PAGE}"),
    )
}


def bill(amounts: dict[str, float]) -> dict[str, float]:
    """Dollars by part for amounts of a month, in units of the price list; the free grants are taken off."""
    return {part: max(0.0, amount - PRICES[part].free) * PRICES[part].dollars for part, amount in amounts.items()}
