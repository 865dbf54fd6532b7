"""Routes that book requests to models, and that tell what a user has spent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from django.http import HttpResponse
from dmr import Headers, Query, ResponseSpec, validate
from dmr.plugins.msgspec import BodyMsgspec
from msgspec import Meta, Raw, Struct, convert, field

from costs import ledger
from costs.api.user import User
from costs.batch import book_valid, keyed
from costs.models.record import MAX_SOURCE_ID
from costs.statistics import usage_stats
from costs.usage import InvalidUsage, Receipt, Usage
from records.api import Api, Problem
from records.money import Dollars

MAX_BATCH = 1_000

# A record is read by itself, so that a bad one does not lose the others.
Record = Annotated[Raw, Meta(extra_json_schema={"$ref": "#/components/schemas/Usage"})]
Percentage = Annotated[float, Meta(description="0 to 100, and beyond; null without a limit.")]


class Once(Struct):
    """The standard header for requests that may be repeated."""

    key: Annotated[str, Meta(min_length=1, max_length=MAX_SOURCE_ID)] | None = field(
        default=None, name="Idempotency-Key"
    )


class Booked(Struct):
    """What the ledger holds of the request; `created` is false where it held it before."""

    cost: Dollars
    created: bool
    priced: Annotated[bool, Meta(description="False where the model has no known price.")]
    priced_by: Annotated[
        str, Meta(description="The price row used, “given” for a cost that came along, or blank.")
    ]


class UsageApi(Api):
    """Record a request to a model.

    Without `cost` the tokens are priced by the price list. `source_id` is the idempotency key:
    with one that `source` has used before nothing is booked, and the answer is 200 with what the
    first request came to. Where the body has none, the header `Idempotency-Key` counts.
    """

    permission = "costs.add_costrecord"
    tags = ("Usage and limits",)

    @validate(
        ResponseSpec(Booked, status_code=HTTPStatus.CREATED, description="Booked."),
        ResponseSpec(Booked, status_code=HTTPStatus.OK, description="The key was known."),
        *Api.responses,
    )
    def post(self, parsed_body: BodyMsgspec[Usage], parsed_headers: Headers[Once]) -> HttpResponse:
        receipt = ledger.record_many([keyed(parsed_body, parsed_headers.key)])[0]
        return self.to_response(
            Booked(receipt.cost, receipt.created, receipt.priced, receipt.priced_by),
            status_code=HTTPStatus.CREATED if receipt.created else HTTPStatus.OK,
        )


class UsageBatch(Struct, forbid_unknown_fields=True):
    """Requests to models, each as POST /api/usage takes it."""

    records: Annotated[list[Record], Meta(min_length=1, max_length=MAX_BATCH)]


class UsageResult(Struct):
    """What became of the record at `index`; `cost` where it is in the ledger, else `error`."""

    index: int
    status: Literal["booked", "known", "rejected"]
    cost: Dollars | None = None
    error: str | None = None


class UsageResults(Struct):
    """One result for each record, in their order, and how many there are of each kind."""

    results: list[UsageResult]
    booked: int
    known: int
    rejected: int


class NothingBooked(Problem):
    """Nothing was booked: `error` tells the first fault, `results` all, if records were read."""

    results: list[UsageResult] = []
    booked: int = 0
    known: int = 0
    rejected: int = 0


class BatchApi(Api):
    """Record up to 1,000 requests to models at once.

    Those that are valid are booked in one transaction; the others are told in their places, and
    may be put right and sent again. Each record may have a `source_id` as in POST /api/usage. To
    those without one the header `Idempotency-Key` gives one of their own: the key, `#`, the index.
    """

    permission = "costs.add_costrecord"
    tags = ("Usage and limits",)

    @validate(
        ResponseSpec(
            UsageResults, status_code=HTTPStatus.OK, description="Some are in the ledger."
        ),
        ResponseSpec(
            NothingBooked, status_code=HTTPStatus.BAD_REQUEST, description="None is valid."
        ),
        *Api.responses,
    )
    def post(
        self, parsed_body: BodyMsgspec[UsageBatch], parsed_headers: Headers[Once]
    ) -> HttpResponse:
        told = book_valid(parsed_body.records, parsed_headers.key)
        results = [_result(index, outcome) for index, outcome in enumerate(told)]
        counts = _counts(results)
        if counts["rejected"] < len(results):
            return self.to_response(UsageResults(results, **counts), status_code=HTTPStatus.OK)
        refusal = NothingBooked(results[0].error or "", results, **counts)
        return self.to_response(refusal, status_code=HTTPStatus.BAD_REQUEST)


def _result(index: int, outcome: Receipt | InvalidUsage) -> UsageResult:
    if isinstance(outcome, InvalidUsage):
        place = ".".join(filter(None, [f"records[{index}]", outcome.field]))
        return UsageResult(index, "rejected", error=f"{place}: {outcome.cause}")
    return UsageResult(index, "booked" if outcome.created else "known", outcome.cost)


def _counts(results: Sequence[UsageResult]) -> dict[str, int]:
    statuses = [result.status for result in results]
    return {status: statuses.count(status) for status in ("booked", "known", "rejected")}


class UsageOfModel(Struct):
    """What a user spent on one model, as far back as records are kept."""

    requests: int
    cost: Dollars
    input_tokens: int
    output_tokens: int


class UserUsage(Struct):
    """A user's figures. Days, weeks (from Monday) and months are those of the server's TIME_ZONE.

    The session is that of the user's newest record; its duration reads as `12m` or `1.5h`.
    """

    user_id: str
    total_requests: int
    total_cost: Dollars
    daily_cost: Dollars
    monthly_cost: Dollars
    weekly_cost: Dollars
    session_cost: Dollars
    session_duration: str | None
    daily_limit: Dollars | None
    monthly_limit: Dollars | None
    daily_percentage: Percentage | None
    monthly_percentage: Percentage | None
    model_breakdown: dict[str, UsageOfModel]
    recent_24h: Annotated[int, Meta(description="Requests of the last 24 hours.")]
    last_reset: Annotated[datetime, Meta(tz=True, description="When the day began.")]


class UserUsageApi(Api):
    """Tell what a user has spent, and of which limits.

    A user nobody has heard of has figures of 0 and no limits.
    """

    tags = ("Usage and limits",)

    def get(self, parsed_query: Query[User]) -> UserUsage:
        return convert(usage_stats(parsed_query.user_id), UserUsage)
