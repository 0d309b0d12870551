// A webhook from creation to a verified delivery, against a running server:
//
//	LATCHWIRE_ADDRESS=127.0.0.1:50051 LATCHWIRE_KEY=<id>.<secret> go run ./examples/quickstart
//
// The receiver listens on loopback, so the server must run with --allow_networks 127.0.0.0/8.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/latchwire/latchwire/clients/go/latchwire"
	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/clients/go/webhookverify"
)

type delivery struct {
	header http.Header
	body   []byte
}

func main() {
	address := flag.String("address", os.Getenv("LATCHWIRE_ADDRESS"), "`host:port` of the server; default $LATCHWIRE_ADDRESS")
	key := flag.String("key", os.Getenv("LATCHWIRE_KEY"), "API key, `id.secret`, of role admin; default $LATCHWIRE_KEY")
	flag.Parse()
	if *address == "" || *key == "" {
		fmt.Fprintln(os.Stderr, "quickstart: --address and --key, or LATCHWIRE_ADDRESS and LATCHWIRE_KEY, are needed")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx, *address, *key); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, address, key string) (err error) {
	url, deliveries, stop, err := receive()
	if err != nil {
		return err
	}
	defer stop()

	client, err := latchwire.New(address, key)
	if err != nil {
		return err
	}
	defer client.Close()

	webhook, err := client.CreateWebhook(ctx, &latchwirev1.Webhook{
		Url:         url,
		DisplayName: "Go quickstart",
		AnyOf:       []*latchwirev1.EventMatch{{TypePattern: "door.opened", Source: "go-quickstart"}},
	})
	if err != nil {
		return err
	}
	fmt.Println("created", webhook.Name)
	defer func() { err = errors.Join(err, client.DeleteWebhook(ctx, webhook.Name)) }()

	event, err := client.Publish(ctx, &latchwirev1.Event{
		Type: "door.opened", Source: "go-quickstart", Subject: "door-7", Data: latchwire.JSON(`{"door":7}`),
	})
	if err != nil {
		return err
	}
	fmt.Println("published", event.Name, "as number", event.Number)

	select {
	case got := <-deliveries:
		err := webhookverify.VerifyStandard([]string{webhook.Secret}, got.header, got.body, time.Now(),
			webhookverify.DefaultTolerance)
		if err != nil {
			return err
		}
		fmt.Printf("received and verified %s\n", got.body)
		return nil
	case <-ctx.Done():
		return errors.New("nothing was delivered; does the server allow loopback as a target?")
	}
}

// receive starts an HTTP server on loopback that hands on every request that it gets.
func receive() (url string, deliveries <-chan delivery, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, nil, err
	}
	received := make(chan delivery, 16)
	server := &http.Server{
		ReadTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
			select {
			case received <- delivery{r.Header, body}:
				w.WriteHeader(http.StatusNoContent)
			default: // the server tries again later
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}),
	}
	go func() { _ = server.Serve(listener) }()
	return "http://" + listener.Addr().String() + "/hook", received, func() { _ = server.Close() }, nil
}
