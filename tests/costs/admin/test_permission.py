"""Who may read the pages, and that nobody changes evidence."""

import pytest
from django.apps import apps
from django.db.models import Model
from django.test import Client

from costs.models import SpendingLimit
from tests.costs.admin.cast import EVIDENCE, address, body, one_of_each, staff

pytestmark = pytest.mark.django_db


class TestPermission:
    @pytest.mark.parametrize("model", [*EVIDENCE, SpendingLimit])
    def test_every_page_needs_it(self, client: Client, model: type[Model]) -> None:
        one_of_each()
        pages = [address(model), address(model, f"{model.objects.get().pk}/change/")]
        assert {client.get(page).status_code for page in pages} == {302}
        staff(client)
        assert {client.get(page).status_code for page in pages} == {403}

    @pytest.mark.parametrize("model", [*EVIDENCE, SpendingLimit])
    def test_reading_takes_the_one_to_view(self, client: Client, model: type[Model]) -> None:
        one_of_each()
        staff(client, model)
        body(client, address(model))
        body(client, address(model, f"{model.objects.get().pk}/change/"))

    def test_every_model_has_a_page(self) -> None:
        assert {*EVIDENCE, SpendingLimit} == set(apps.get_app_config("costs").get_models())

    @pytest.mark.parametrize("model", EVIDENCE)
    def test_not_even_an_administrator_changes_evidence(
        self, admin_client: Client, model: type[Model]
    ) -> None:
        one_of_each()
        before = model.objects.values().get()
        for page in ["add/", f"{before['id']}/change/", f"{before['id']}/delete/"]:
            sent = {name: str(value) for name, value in before.items()}
            assert admin_client.post(address(model, page), sent).status_code == 403
        chosen = {"action": "delete_selected", "_selected_action": before["id"], "post": "yes"}
        admin_client.post(address(model), chosen)
        assert model.objects.values().get() == before
