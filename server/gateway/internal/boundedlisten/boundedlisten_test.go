package boundedlisten

import (
	"errors"
	"net"
	"testing"
)

func TestAFurtherConnectionWaitsUntilOneCloses(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener := New(inner, 1)
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- connection
		}
	}()
	for range 2 {
		client, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
	}
	first := <-accepted
	if slots := listener.(*bounded).slots; len(slots) != cap(slots) {
		t.Error("an open connection takes no slot")
	}
	select {
	case <-accepted:
		t.Fatal("a second connection was accepted")
	default:
	}
	first.Close()
	first.Close() // frees one slot, not two
	second := <-accepted
	defer second.Close()
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
