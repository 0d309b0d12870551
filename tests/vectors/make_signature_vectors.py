#!/usr/bin/env python3
"""Writes signatures_{standard,twenty,panel}.json, with Python's own hmac: independent of all code under test.

`--check` writes nothing and fails if a file differs from what would be written.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent
NOW = 1_700_000_000  # Unix seconds: 2023-11-14T22:13:20Z
TOLERANCE = 300

BODY = b'{"type":"log.door_was_opened","timestamp":"2023-11-14T22:13:19.5Z","data":{"door":1}}'
# Bytes that a JSON library would not write back as they are.
ODD_BODY = (
    b'{ "type" : "acogo.ez_open", "data":{"amount":1.00 ,"big":123456789012345678901234567890,'
    b'"a":"\\/ \\u0141 <&>","a":"again"}\r\n}'
)
UNICODE_BODY = '{"data":{"name":"Zażółć gęślą jaźń \U0001f6aa"}}'.encode()
BINARY_BODY = bytes(range(256))


def sha256(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def case(name, secrets, headers, body, expect, now_ms=NOW * 1000, tolerance=TOLERANCE, why=""):
    entry = {"name": name}
    if why:
        entry["why"] = why
    entry["secrets"] = secrets
    entry["headers"] = headers
    try:
        entry["body"] = body.decode()
    except UnicodeDecodeError:
        entry["body_base64"] = base64.b64encode(body).decode()
    if tolerance is not None:
        entry["now_ms"] = now_ms
        entry["tolerance_seconds"] = tolerance
    entry["expect"] = expect
    return entry


def without(headers, name):
    return {key: value for key, value in headers.items() if key != name}


def standard():
    key, old_key = b"\x01\xfe" * 16, bytes(range(24))
    secret = "whsec_" + base64.b64encode(key).decode()
    old_secret = "whsec_" + base64.b64encode(old_key).decode()
    message_id = "018bcfe5-6800-7000-8000-0000000000aa.u3Zq7b0XkLmN"

    def signature(body, timestamp, by=key, of_id=message_id):
        signed = of_id.encode() + b"." + str(timestamp).encode() + b"." + body
        return "v1," + base64.b64encode(sha256(by, signed)).decode()

    def headers(body, timestamp=NOW, signatures=None, of_id=message_id):
        return {
            "webhook-id": of_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures or signature(body, timestamp, of_id=of_id),
        }

    good = headers(BODY)
    ok = signature(BODY, NOW)
    v1a = "v1a," + base64.b64encode(b"\x07" * 64).decode()
    flipped = "v1," + base64.b64encode(bytes([sha256(key, b"")[0] ^ 1]) + sha256(key, b"")[1:]).decode()
    valid, mismatch = "valid", "SIGNATURE_MISMATCH"
    outside, invalid_time = "TIMESTAMP_OUT_OF_TOLERANCE", "TIMESTAMP_INVALID"

    cases = [
        case("good", [secret], good, BODY, valid),
        case("secret without its prefix", [secret[6:]], good, BODY, valid),
        case("header names in another case", [secret], {k.title(): v for k, v in good.items()}, BODY, valid),
        case("odd but exact bytes", [secret], headers(ODD_BODY), ODD_BODY, valid,
             why="the signature is over the bytes, not over what they mean"),
        case("unicode body", [secret], headers(UNICODE_BODY), UNICODE_BODY, valid),
        case("binary body", [secret], headers(BINARY_BODY), BINARY_BODY, valid),
        case("empty body", [secret], headers(b""), b"", valid),
        case("message id with dots and colons", [secret], headers(BODY, of_id="a.b:c~d.e"), BODY, valid),
        case("wrong secret", [old_secret], good, BODY, mismatch),
        case("tampered body", [secret], good, BODY.replace(b"1}", b"2}"), mismatch),
        case("body re-encoded", [secret], headers(ODD_BODY), ODD_BODY.replace(b"1.00", b"1.0"), mismatch),
        case("body with a newline added", [secret], good, BODY + b"\n", mismatch),
        case("another message id", [secret], {**good, "webhook-id": "other"}, BODY, mismatch),
        case("another timestamp", [secret], {**good, "webhook-timestamp": str(NOW + 1)}, BODY, mismatch,
             why="the time is signed"),
        case("one bit off", [secret], headers(BODY, signatures=flipped), BODY, mismatch),
        case("too old", [secret], headers(BODY, NOW - 301), BODY, outside),
        case("in the future", [secret], headers(BODY, NOW + 301), BODY, outside),
        case("old by exactly the tolerance", [secret], headers(BODY, NOW - 300), BODY, valid),
        case("ahead by exactly the tolerance", [secret], headers(BODY, NOW + 300), BODY, valid),
        case("one millisecond past the tolerance", [secret], headers(BODY, NOW - 300), BODY, outside,
             now_ms=NOW * 1000 + 1),
        case("tolerance of the caller", [secret], headers(BODY, NOW - 3600), BODY, valid, tolerance=3600),
        case("no tolerance at all", [secret], headers(BODY, NOW - 1), BODY, outside, tolerance=0),
        case("time in milliseconds", [secret], headers(BODY, NOW * 1000), BODY, outside),
        case("time with a fraction", [secret], headers(BODY, f"{NOW}.0"), BODY, invalid_time),
        case("time with a sign", [secret], headers(BODY, f"+{NOW}"), BODY, invalid_time),
        case("negative time", [secret], headers(BODY, -NOW), BODY, invalid_time),
        case("time with a space", [secret], headers(BODY, f" {NOW}"), BODY, invalid_time),
        case("time as a word", [secret], headers(BODY, "now"), BODY, invalid_time),
        case("time with too many digits", [secret], headers(BODY, "9" * 30), BODY, invalid_time),
        case("no id", [secret], without(good, "webhook-id"), BODY, "HEADER_MISSING"),
        case("no timestamp", [secret], without(good, "webhook-timestamp"), BODY, "HEADER_MISSING"),
        case("no signature", [secret], without(good, "webhook-signature"), BODY, "HEADER_MISSING"),
        case("empty signature", [secret], {**good, "webhook-signature": ""}, BODY, "HEADER_MISSING"),
        case("no headers", [secret], {}, BODY, "HEADER_MISSING"),
        case("rotation: the sender signs with both, we know the new", [secret],
             headers(BODY, signatures=signature(BODY, NOW, old_key) + " " + ok), BODY, valid),
        case("rotation: the sender signs with both, we know the old", [old_secret],
             headers(BODY, signatures=ok + " " + signature(BODY, NOW, old_key)), BODY, valid),
        case("rotation: we know both, the sender the old", [secret, old_secret],
             headers(BODY, signatures=signature(BODY, NOW, old_key)), BODY, valid),
        case("unknown versions are passed over", [secret],
             headers(BODY, signatures=f"{v1a} v2,abc {ok} v9"), BODY, valid),
        case("two spaces between signatures", [secret], headers(BODY, signatures=f"{v1a}  {ok}"), BODY, valid),
        case("only unknown versions", [secret], headers(BODY, signatures=v1a), BODY, mismatch),
        case("right signature, unknown version", [secret],
             headers(BODY, signatures=ok.replace("v1,", "v2,")), BODY, mismatch),
        case("signature without a version", [secret], headers(BODY, signatures=ok[3:]), BODY, mismatch),
        case("malformed base64", [secret], headers(BODY, signatures="v1,*not base64*"), BODY, mismatch),
        case("signature cut short", [secret], headers(BODY, signatures=ok[:-4]), BODY, mismatch),
        case("signature without padding", [secret], headers(BODY, signatures=ok.rstrip("=")), BODY, mismatch),
        case("empty v1 signature", [secret], headers(BODY, signatures="v1,"), BODY, mismatch),
        case("malformed base64 beside a right one", [secret],
             headers(BODY, signatures=f"v1,*** {ok}"), BODY, valid),
        case("hex instead of base64", [secret],
             headers(BODY, signatures="v1," + base64.b64decode(ok[3:]).hex()), BODY, mismatch),
        case("empty secret", [""], headers(BODY, signatures=signature(BODY, NOW, b"")), BODY, "SECRET_INVALID",
             why="anybody can sign with an empty key"),
        case("secret of a prefix alone", ["whsec_"], headers(BODY, signatures=signature(BODY, NOW, b"")), BODY,
             "SECRET_INVALID"),
        case("secret that is not base64", ["whsec_*not base64*"], good, BODY, "SECRET_INVALID"),
    ]
    return cases


def hex_cases(secret, old_secret, header, headers, digest):
    """Cases that both schemes with one hex signature have. `headers(body)` are good ones, `digest` their signature."""
    good = headers(BODY)
    valid, mismatch = "valid", "SIGNATURE_MISMATCH"
    return [
        ("good", [secret], good, BODY, valid),
        ("header names in another case", [secret], {k.lower(): v for k, v in good.items()}, BODY, valid),
        ("upper-case hex", [secret], {**good, header: good[header].upper()}, BODY, valid,
         "what is compared is the bytes that the hex stands for"),
        ("odd but exact bytes", [secret], headers(ODD_BODY), ODD_BODY, valid),
        ("unicode body", [secret], headers(UNICODE_BODY), UNICODE_BODY, valid),
        ("binary body", [secret], headers(BINARY_BODY), BINARY_BODY, valid),
        ("empty body", [secret], headers(b""), b"", valid),
        ("rotation: we know both, the sender the old", [old_secret, secret], good, BODY, valid),
        ("wrong secret", [old_secret], good, BODY, mismatch),
        ("tampered body", [secret], good, BODY.replace(b"1}", b"2}"), mismatch),
        ("body re-encoded", [secret], headers(ODD_BODY), ODD_BODY.replace(b"\\/", b"/"), mismatch),
        ("signature cut short", [secret], {**good, header: good[header][:-2]}, BODY, mismatch),
        ("signature of an odd length", [secret], {**good, header: good[header][:-1]}, BODY, mismatch),
        ("signature with more behind it", [secret], {**good, header: good[header] + "00"}, BODY, mismatch),
        ("signature that is not hex", [secret], {**good, header: "g" * 64}, BODY, mismatch),
        ("signature of zeros", [secret], {**good, header: "0" * 64}, BODY, mismatch),
        ("base64 instead of hex", [secret], {**good, header: base64.b64encode(digest(BODY)).decode()}, BODY, mismatch),
        ("signature with a prefix", [secret], {**good, header: "sha256=" + good[header]}, BODY, mismatch),
        ("no signature", [secret], without(good, header), BODY, "HEADER_MISSING"),
        ("empty signature", [secret], {**good, header: ""}, BODY, "HEADER_MISSING"),
        ("no headers", [secret], {}, BODY, "HEADER_MISSING"),
    ]


def twenty():
    secret, old_secret = "twenty-sekret-ąę", "another"
    signature_header, time_header = "X-Twenty-Webhook-Signature", "X-Twenty-Webhook-Timestamp"

    def digest(body, timestamp=NOW * 1000, by=secret):
        return sha256(by.encode(), str(timestamp).encode() + b":" + body)

    def headers(body, timestamp=NOW * 1000, by=secret):
        return {
            time_header: str(timestamp),
            signature_header: digest(body, timestamp, by).hex(),
            "X-Twenty-Webhook-Nonce": "00112233445566778899aabbccddeeff",
        }

    good, ms = headers(BODY), NOW * 1000
    outside, invalid_time = "TIMESTAMP_OUT_OF_TOLERANCE", "TIMESTAMP_INVALID"
    twice = json.dumps(BODY.decode()).encode()
    cases = [
        case(name, secrets, given, body, expect, why=why[0] if why else "")
        for name, secrets, given, body, expect, *why in hex_cases(
            secret, old_secret, signature_header, headers, digest)
    ]
    return cases + [
        case("nonce is not signed", [secret], {**good, "X-Twenty-Webhook-Nonce": "f" * 32}, BODY, "valid"),
        case("another timestamp", [secret], {**good, time_header: str(ms + 1)}, BODY, "SIGNATURE_MISMATCH"),
        case("body encoded twice", [secret], {**good, signature_header: digest(twice).hex()}, BODY,
             "SIGNATURE_MISMATCH", why="the product's page shows a sample that does so; the product does not"),
        case("timestamp and body joined by a dot", [secret],
             {**good, signature_header: sha256(secret.encode(), b"%d." % ms + BODY).hex()}, BODY,
             "SIGNATURE_MISMATCH"),
        case("too old", [secret], headers(BODY, ms - 300_001), BODY, outside),
        case("in the future", [secret], headers(BODY, ms + 300_001), BODY, outside),
        case("old by exactly the tolerance", [secret], headers(BODY, ms - 300_000), BODY, "valid"),
        case("ahead by exactly the tolerance", [secret], headers(BODY, ms + 300_000), BODY, "valid"),
        case("tolerance of the caller", [secret], headers(BODY, ms - 3_600_000), BODY, "valid", tolerance=3600),
        case("time in seconds", [secret], headers(BODY, NOW), BODY, outside),
        case("time as a date", [secret], headers(BODY, "2023-11-14T22:13:20Z"), BODY, invalid_time),
        case("time with a fraction", [secret], headers(BODY, f"{ms}.5"), BODY, invalid_time),
        case("negative time", [secret], headers(BODY, -ms), BODY, invalid_time),
        case("time with too many digits", [secret], headers(BODY, "9" * 30), BODY, invalid_time),
        case("no timestamp", [secret], without(good, time_header), BODY, "HEADER_MISSING"),
        case("empty secret", [""], headers(BODY, by=""), BODY, "SECRET_INVALID",
             why="anybody can sign with an empty key"),
    ]


def panel():
    secret, old_secret = "1234567890abcdef", "fedcba0987654321"
    header = "X-Webhook-Signature"

    def digest(body, by=secret):
        return sha256(by.encode(), body)

    def headers(body, by=secret):
        return {
            header: digest(body, by).hex(),
            "X-Webhook-Timestamp": "2023-11-14T22:13:20Z",
            "X-Webhook-Attempt": "1",
        }

    good = headers(BODY)
    cases = [
        case(name, secrets, given, body, expect, tolerance=None, why=why[0] if why else "")
        for name, secrets, given, body, expect, *why in hex_cases(secret, old_secret, header, headers, digest)
    ]
    return cases + [
        case("time is not signed", [secret], {**good, "X-Webhook-Timestamp": "1999-01-01T00:00:00Z"}, BODY, "valid",
             tolerance=None, why="so it can't be judged either"),
        case("no timestamp", [secret], without(good, "X-Webhook-Timestamp"), BODY, "valid", tolerance=None),
        case("time signed with the body", [secret],
             {**good, header: digest(b"2023-11-14T22:13:20Z." + BODY).hex()}, BODY, "SIGNATURE_MISMATCH",
             tolerance=None),
        case("empty secret", [""], headers(BODY, by=""), BODY, "SECRET_INVALID", tolerance=None,
             why="anybody can sign with an empty key"),
    ]


def main():
    stale = []
    for scheme, cases in (("standard", standard()), ("twenty", twenty()), ("panel", panel())):
        names = [entry["name"] for entry in cases]
        assert len(names) == len(set(names)), "two cases of one name"
        path = FOLDER / f"signatures_{scheme}.json"
        text = json.dumps({"scheme": scheme, "cases": cases}, indent=1, ensure_ascii=False) + "\n"
        if "--check" in sys.argv[1:]:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(path.name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.exit(f"out of date: {', '.join(stale)}; run {pathlib.Path(__file__).name}")


if __name__ == "__main__":
    main()
