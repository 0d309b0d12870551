package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/latchwire/latchwire/server/gateway/internal/version"
)

// begin runs the gateway until stop is called, which returns its exit code.
func begin(t *testing.T, arguments ...string) (address string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	read, write := io.Pipe()
	exited := make(chan int, 1)
	go func() {
		code := run(ctx, append([]string{"--listen", "127.0.0.1:0"}, arguments...), write, io.Discard)
		_ = write.Close()
		exited <- code
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("the gateway did not start: %v", err)
	}
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatalf("printed %q", line)
	}
	return address, func() int {
		cancel()
		return <-exited
	}
}

func TestStartsPrintsItsAddressAndStops(t *testing.T) {
	address, stop := begin(t, "--server", "127.0.0.1:1")
	response, err := http.Get("http://" + address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("healthz: %d", response.StatusCode)
	}
	if code := stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("still listening")
	}
}

func TestHeadersAreBounded(t *testing.T) {
	address, _ := begin(t)
	request, _ := http.NewRequest("GET", "http://"+address+"/healthz", nil)
	request.Header.Set("Authorization", strings.Repeat("x", maxHeaderBytes+8<<10))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %d", response.StatusCode)
	}
}

func TestMetricsHaveAPortOfTheirOwn(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	address, stop := begin(t, "--metrics_listen", free.Addr().String())
	get := func(address string) (int, string) {
		response, err := http.Get("http://" + address + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return response.StatusCode, string(text)
	}
	if code, text := get(free.Addr().String()); code != 200 || !strings.Contains(text, "latchwire_gateway_build_info{") {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := get(address); code != 404 {
		t.Errorf("on the port of strangers: %d", code)
	}
	if code := stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if _, err := net.Dial("tcp", free.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

func TestTLSOnBothSides(t *testing.T) {
	folder := t.TempDir()
	certificateFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	pair, authority := selfSigned(t, certificateFile, keyFile)

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)

	ready := func(client *http.Client, scheme string, arguments ...string) int {
		address, stop := begin(t, append(arguments, "--server", listener.Addr().String())...)
		defer stop()
		response, err := client.Get(scheme + "://" + address + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: authority}, DisableKeepAlives: true}}
	if got := ready(client, "https", "--server_ca_file", certificateFile,
		"--tls_certificate_file", certificateFile, "--tls_key_file", keyFile); got != 200 {
		t.Errorf("the right authority: %d", got)
	}
	if got := ready(client, "http", "--server_tls"); got != 503 {
		t.Errorf("an unknown authority: %d", got)
	}
	if got := ready(client, "http"); got != 503 {
		t.Errorf("plain text to a TLS server: %d", got)
	}
}

func TestBadFlags(t *testing.T) {
	for arguments, want := range map[string]int{
		"stray":                                     2,
		"--nonsense":                                2,
		"--dialects nonsense":                       2,
		"--metrics_listen nonsense":                 1,
		"--listen nonsense":                         1,
		"--server_ca_file /no/such/file":            1,
		"--tls_certificate_file /no/such/file":      1,
		"--listen 192.0.2.1:0 --server 127.0.0.1:1": 1,
	} {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // so that a gateway that starts all the same stops
		var out, errors bytes.Buffer
		if got := run(ctx, strings.Fields(arguments), &out, &errors); got != want || errors.Len() == 0 {
			t.Errorf("%s: exit code %d, want %d: %s", arguments, got, want, errors.String())
		}
	}
	var out bytes.Buffer
	if code := run(context.Background(), []string{"--version"}, &out, io.Discard); code != 0 ||
		out.String() != fmt.Sprintf("latchwire-gateway %s\n", version.Version) {
		t.Errorf("--version: %d %q", code, out.String())
	}
}

func selfSigned(t *testing.T, certificateFile, keyFile string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyText := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	for file, text := range map[string][]byte{certificateFile: certificate, keyFile: keyText} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certificate, keyText)
	if err != nil {
		t.Fatal(err)
	}
	authority := x509.NewCertPool()
	authority.AppendCertsFromPEM(certificate)
	return pair, authority
}
