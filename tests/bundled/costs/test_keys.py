"""Encryption keys as people write them, and what is sealed with them."""

from __future__ import annotations

import base64
import os

import pytest

from rowcrew.bundled.costs.credentials import Credentials, CredentialsUnreadable, credentials_of
from rowcrew.bundled.costs.keys import Key, key_of
from rowcrew.bundled.costs.sealing import CannotOpen, _cipher, seal, unseal
from rowcrew.bundled.costs.settings import CostSettings
from rowcrew.cli import main
from rowcrew.model.errors import SettingsError

SECRET = bytes(range(32))
OTHER = Key(os.urandom(32))
# NIST CAVP, gcmEncryptExtIV256.rsp: key, nonce, text, associated data, cipher text, tag.
NIST = [
    (
        "b52c505a37d78eda5dd34f20c22540ea1b58963cf8e5bf8ffa85f9f2492505b4",
        "516c33929df5a3284ff463d7",
        "",
        "",
        "",
        "bdc1ac884d332457a1d2664f168c76f0",
    ),
    (
        "78dc4e0aaf52d935c3c01eea57428f00ca1fd475f5da86a49c8dd73d68c8e223",
        "d79cf22d504cc793c3fb6c8a",
        "",
        "b96baa8c1c75a671bfb2d08d06be5f36",
        "",
        "3e5d486aa2e30b22e040b85723a06e76",
    ),
    (
        "31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22",
        "0d18e06c7c725ac9e362e1ce",
        "2db5168e932556f8089a0622981d017d",
        "",
        "fa4362189661d163fcd6a56d8bf0405a",
        "d636ac1bbedd5cc3ee727dc2ab4a9489",
    ),
    (
        "92e11dcdaa866f5ce790fd24501f92509aacf4cb8b1339d50c9c1240935dd08b",
        "ac93a1a6145299bde902f21a",
        "2d71bcfa914e4ac045b2aa60955fad24",
        "1e0889016f67601c8ebea4943bc23ad6",
        "8995ae2e6df3dbf96fac7b7137bae67f",
        "eca5aa77d51d4a0a14d9c51e1da474ab",
    ),
]


@pytest.mark.parametrize(("key", "nonce", "text", "owner", "sealed", "tag"), NIST)
def test_the_cipher_gives_what_nist_says(
    key: str, nonce: str, text: str, owner: str, sealed: str, tag: str
) -> None:
    cipher = _cipher(Key(bytes.fromhex(key)))
    given = [bytes.fromhex(part) for part in (nonce, text, owner)]
    assert cipher.encrypt(*given).hex() == sealed + tag
    assert cipher.decrypt(given[0], bytes.fromhex(sealed + tag), given[2]).hex() == text


@pytest.mark.parametrize(
    "text",
    [
        SECRET.hex(),
        SECRET.hex().upper(),
        base64.b64encode(SECRET).decode(),
        base64.b64encode(SECRET).decode().rstrip("="),
    ],
)
def test_a_key_may_be_hex_or_base64(text: str) -> None:
    assert key_of(text) == Key(SECRET)


def test_a_key_may_be_32_characters_as_they_are() -> None:
    assert key_of("a-phrase-of-thirty-two-character").secret == b"a-phrase-of-thirty-two-character"
    assert key_of("-_" * 21 + "A").secret == base64.b64decode("+/" * 21 + "A=")


def test_hex_goes_before_base64_and_base64_before_characters() -> None:
    assert len(base64.b64decode("ab" * 32)) == 48  # 64 hex digits are base64 as well, of 48 bytes
    assert key_of("ab" * 32).secret == b"\xab" * 32
    assert key_of("ab" * 16).secret == b"ab" * 16  # 32 hex digits are half a key in hex


@pytest.mark.parametrize("text", ["short", "ab" * 31, "ab" * 33, "ä" * 32, "zz" * 32])
def test_any_other_key_is_refused_by_name_and_never_by_value(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("ENCRYPTION_KEY", "ENCRYPTION_KEY_PREVIOUS"):
        with pytest.raises(SettingsError) as refused:
            CostSettings.read({name: text})
        assert str(refused.value).startswith(f"{name}=…: give 64 hex digits, base64 of 32 bytes, or 32")
        assert text not in str(refused.value)
    monkeypatch.setenv("ENCRYPTION_KEY", text)
    assert main(["worker"]) == 2
    told = capsys.readouterr().err
    assert "ENCRYPTION_KEY=…: " in told
    assert text not in told


def test_a_previous_key_alone_is_told() -> None:
    (complaint,) = CostSettings.complaints({"ENCRYPTION_KEY_PREVIOUS": SECRET.hex()})
    assert "set both" in complaint


def test_a_key_shows_its_id_alone() -> None:
    shown = repr(CostSettings(key=Key(SECRET)))
    assert Key(SECRET).id in shown
    assert SECRET.hex() not in shown
    assert repr(SECRET) not in shown
    assert Key(SECRET).id != OTHER.id


def test_what_is_sealed_opens_with_its_key_for_its_owner_alone() -> None:
    sealed = seal(Key(SECRET), b"text", "prod")
    assert unseal(Key(SECRET), sealed, "prod") == b"text"
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for key, text, owner in (
        (OTHER, sealed, "prod"),
        (Key(SECRET), sealed, "staging"),
        (Key(SECRET), flipped, "prod"),
        (Key(SECRET), sealed[:20], "prod"),
        (Key(SECRET), b"", "prod"),
    ):
        with pytest.raises(CannotOpen):
            unseal(key, text, owner)


def test_no_two_sealed_texts_have_the_same_nonce() -> None:
    assert len({seal(Key(SECRET), b"text", "prod")[:12] for _ in range(1_000)}) == 1_000


@pytest.mark.parametrize(
    "text",
    [
        '{"accessKeyId": "AKIA1", "secretAccessKey": "s/+="}',
        '{"AccessKey": {"UserName": "x", "AccessKeyId": "AKIA1", "SecretAccessKey": "s/+="}}',
        "[default]\naws_access_key_id = AKIA1\naws_secret_access_key = s/+=\nregion = eu-west-1\n",
        "export AWS_ACCESS_KEY_ID='AKIA1'\nexport AWS_SECRET_ACCESS_KEY=\"s/+=\"\n",
    ],
)
def test_credentials_are_read_as_aws_and_people_write_them(text: str) -> None:
    assert credentials_of(text) == Credentials("AKIA1", "s/+=")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        '{"accessKeyId": "hunter2"}',
        "aws_access_key_id=a\naws_secret_access_key=hunter2\n[b]\naws_access_key_id=b",
        "aws_access_key_id=a\naws_secret_access_key=hunter2 hunter2",
        '{"accessKeyId": "hunter2 hunter2", "secretAccessKey": "x"}',
    ],
)
def test_credentials_that_are_none_are_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(CredentialsUnreadable) as refused:
        credentials_of(text)
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(Credentials("AKIA1", "hunter2"))
