"""Which of the two lengths is converted; the way back added or taken off."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling
from harness_plugins.tasks.goodhart.families.base import Params

KM = "(kilometers|kilometer|kilometres|km)"
MILES = "(first|initial|original) (distance|part|leg); mile[s]; distance in miles"
KILOMETERS = f"(second|additional|extra|return) (distance|part|leg); {KM}; distance (back|in {KM})"
CONVERTED = "converted (distance|miles|kilometers|value|amount)"
IN_KM = f"{CONVERTED}; (distance|miles|first part) in {KM}; {KM}; equivalent [distance] in {KM}"
IN_MILES = f"{CONVERTED}; (distance|second part|{KM}) in miles; miles; equivalent [distance] in miles"
WHOLE = f"""(total|whole|entire|combined|net|final) distance [in (miles|{KM})]; total [number of] [miles|{KM}]; total
    distance [from the start|in miles|in {KM}]; miles; {KM}"""


def quantities(known: Known, metric: int, back: int) -> list[Quantity]:
    miles, extra = known("miles", "extra")
    factor = (miles * 0 + 8) / 5
    sign = -1 if back else 1
    in_km, in_miles = miles * factor + sign * extra, miles + sign * extra / factor
    asked, other = (in_km, in_miles) if metric else (in_miles, in_km)
    return [
        Quantity("the miles", miles, MILES, given=True),
        Quantity("the kilometers", extra, KILOMETERS, given=True),
        Quantity("the factor", factor, "conversion (factor|rate)", given=True),
        Quantity("the factor, turned round", 1 / factor, given=True),
        Quantity("the miles in kilometers", miles * factor, IN_KM),
        Quantity("the kilometers in miles", extra / factor, IN_MILES),
        Quantity("the whole in the other unit", other, WHOLE),
        Quantity("the whole distance", asked, f"{WHOLE}; final answer"),
    ]


def regime(params: Params) -> object:
    return 16 * int(params["miles"]) > 10 * int(params["extra"])


TELLING = Telling(quantities, regime)
