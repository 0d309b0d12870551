"""Receivers behind TLS of their own: an authority of one's own, and a certificate that the server shows."""

import http.server
import ssl
import threading

import pytest

import latchwire
from e2e.harness import eventually, run
from latchwire import ClientTls, RetryPolicy

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Made with openssl in a folder of the test."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate = folder / "ca.pem"
        run(
            *("openssl", "req", "-x509", *EC, "-subj", "/CN=test authority", "-days", "2"),
            *("-keyout", folder / "ca.key", "-out", self.certificate),
            check=True,
        )

    def issue(self, name):
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        names = self.folder / f"{name}.ext"
        names.write_text("subjectAltName=IP:127.0.0.1\n")
        run(
            *("openssl", "req", *EC, "-subj", f"/CN={name}", "-keyout", key, "-out", request), check=True
        )
        run(
            *("openssl", "x509", "-req", "-in", request, "-CA", self.certificate, "-days", "2"),
            *("-CAkey", self.folder / "ca.key", "-CAcreateserial", "-extfile", names, "-out", certificate),
            check=True,
        )
        return certificate, key


class TlsReceiver:
    """Answers 204 to whoever shows a certificate of the authority, and keeps whose it was."""

    def __init__(self, authority):
        certificate, key = authority.issue("receiver")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authority.certificate)
        context.verify_mode = ssl.CERT_REQUIRED
        self.senders = senders = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                subject = dict(pair[0] for pair in self.connection.getpeercert()["subject"])
                senders.append(subject["commonName"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *unused):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def finish_request(self, request, address):
                with context.wrap_socket(request, server_side=True) as secured:
                    super().finish_request(secured, address)

            def handle_error(self, request, client_address):
                pass  # a sender without a certificate

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)


@pytest.fixture
def authority(tmp_path):
    folder = tmp_path / "authority"
    folder.mkdir()
    return Authority(folder)


@pytest.fixture
def tls_receiver(authority):
    receiver = TlsReceiver(authority)
    yield receiver
    receiver.close()


def attempt_of(client, webhook):
    """The first attempt of the webhook's only delivery."""

    def check():
        for delivery in client.list_deliveries(webhook=webhook.name):
            return next(client.list_attempts(delivery.name), None)

    return eventually(check, "an attempt")


def test_a_receiver_that_asks_gets_the_certificate(client, authority, tls_receiver):
    certificate, key = authority.issue("our-server")
    tls = ClientTls(
        ca_certificates=authority.certificate.read_text(),
        client_certificate=certificate.read_text(),
        client_key=key.read_text(),
    )
    webhook = client.create_webhook(tls_receiver.url, tls=tls)
    assert webhook.tls.client_certificate == tls.client_certificate and not webhook.tls.client_key
    assert "PRIVATE" not in str(client.get_webhook(webhook.name))
    client.publish("door.opened", {})
    assert attempt_of(client, webhook).http_status == 204
    assert tls_receiver.senders == ["our-server"]
    # The key stays with its certificate when the webhook is written back as it was read.
    client.update_webhook(webhook.name, tls=client.get_webhook(webhook.name).tls)
    assert client.send_test_event(webhook.name).http_status == 204


def test_without_authority_or_certificate_nothing_is_sent(client, authority, tls_receiver):
    ca = ClientTls(ca_certificates=authority.certificate.read_text())
    for tls in (None, ca):
        webhook = client.create_webhook(
            tls_receiver.url, tls=tls, retry_policy=RetryPolicy(no_retries=True)
        )
        answer = client.send_test_event(webhook.name)
        assert answer.http_status == 0 and answer.error in ("TLS", "CONNECTION_CLOSED")
    assert tls_receiver.senders == []


def test_impossible_certificates_are_refused_by_name(client, authority):
    certificate, _ = authority.issue("one")
    _, other_key = authority.issue("two")
    with pytest.raises(latchwire.Error) as caught:
        client.create_webhook(
            "https://example.com/",
            tls=ClientTls(client_certificate=certificate.read_text(), client_key=other_key.read_text()),
        )
    (violation,) = caught.value.field_violations
    assert violation.field == "webhook.tls.client_key" and "PRIVATE" not in str(caught.value)
