"""Tokens: who their holder is, and which are issued."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from integration_monitor.errors import SettingsError
from integration_monitor.server import tokens
from integration_monitor.server.refusals import NotAllowed, TokenRefused

SECRET = "a shared secret of more than 32 bytes"
READER = {"app_metadata.integration_monitor": "reader"}


def signed(**claims: object) -> str:
    return jwt.encode({"exp": datetime.now(UTC) + timedelta(minutes=1), **claims}, SECRET, algorithm="HS256")


@pytest.mark.parametrize(
    "claims",
    [
        {"app_metadata": {"integration_monitor": "reader"}},
        {"app_metadata": {"integration_monitor": ["writer", "reader"]}},
    ],
)
def test_required_claim_may_be_a_value_or_a_list_with_it(claims: Mapping[str, Any]) -> None:
    assert tokens.caller({"role": "authenticated", **claims}, READER).role == "authenticated"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"app_metadata": None},
        {"app_metadata": "reader"},
        {"app_metadata": {"integration_monitor": None}},
        {"app_metadata": {"integration_monitor": "readers"}},
        {"app_metadata": {"integration_monitor": ["readers"]}},
        {"app_metadata": {"integration_monitor": {"reader": True}}},
        {"app_metadata.integration_monitor": "reader"},
        {"user_metadata": {"integration_monitor": "reader"}},
    ],
)
def test_missing_required_claim_is_not_allowed(claims: Mapping[str, Any]) -> None:
    with pytest.raises(NotAllowed, match=r"app_metadata\.integration_monitor"):
        tokens.caller({"role": "authenticated", **claims}, READER)


def test_every_required_claim_counts() -> None:
    with pytest.raises(NotAllowed, match="team"):
        tokens.caller({"role": "authenticated", "app_metadata": {"integration_monitor": "reader"}}, {**READER, "team": "crm"})


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (5, "5")])
def test_required_claim_compares_booleans_and_numbers_as_written(value: object, text: str) -> None:
    assert tokens.caller({"role": "authenticated", "is_staff": value}, {"is_staff": text}).role == "authenticated"


@pytest.mark.parametrize("role", ["service_role", "integration_monitor_statistics"])
def test_only_authenticated_needs_the_required_claims(role: str) -> None:
    assert tokens.caller({"role": role}, READER).role == role


@pytest.mark.parametrize("role", [None, "", "postgres", "integration_monitor_writer", "AUTHENTICATED", ["authenticated"], {}, 1])
def test_other_role_is_not_allowed(role: object) -> None:
    with pytest.raises(NotAllowed):
        tokens.caller({"role": role}, {})


def test_anon_is_nobody() -> None:
    with pytest.raises(TokenRefused):
        tokens.caller({"role": "anon"}, {})


@pytest.mark.parametrize(
    ("claims", "name"),
    [({"email": "a@b.test", "sub": "7"}, "a@b.test"), ({"sub": "7"}, "7"), ({"sub": 7}, "service_role"), ({}, "service_role")],
)
def test_name_is_the_address_or_the_subject_or_the_role(claims: Mapping[str, Any], name: str) -> None:
    assert tokens.caller({"role": "service_role", **claims}, {}).name == name


def test_issued_token_passes_its_own_rules() -> None:
    required = {**READER, "team": "crm"}

    claims = tokens.read(tokens.issue("authenticated", SECRET, lifetime=timedelta(hours=1), required_claims=required), SECRET)

    assert tokens.caller(claims, required).role == "authenticated"
    assert tokens.expires_at(claims) <= datetime.now(UTC) + timedelta(hours=1)


def test_contradictory_required_claims_issue_nothing() -> None:
    with pytest.raises(SettingsError, match="required_claims"):
        tokens.issue("authenticated", SECRET, lifetime=timedelta(hours=1), required_claims={"a": "x", "a.b": "y"})


def test_ids_of_any_type_and_any_audience_are_taken() -> None:
    claims = tokens.read(signed(role="service_role", sub=7, aud="elsewhere", jti=1, iat=9999999999), SECRET)

    assert claims["sub"] == 7


def test_token_not_valid_yet_is_refused() -> None:
    with pytest.raises(TokenRefused):
        tokens.read(signed(role="service_role", nbf=datetime.now(UTC) + timedelta(minutes=1)), SECRET)


def test_far_expiry_stays_within_the_calendar() -> None:
    assert tokens.expires_at({"exp": 10**20}).year == 9999


def test_short_secret_works_without_a_warning() -> None:
    token = tokens.issue("service_role", "short", lifetime=timedelta(hours=1))

    assert tokens.read(token, "short")["role"] == "service_role"
