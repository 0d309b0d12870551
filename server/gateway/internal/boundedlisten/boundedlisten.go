// Package boundedlisten bounds how many connections a listener has open.
package boundedlisten

import (
	"net"
	"sync"
)

// New returns a listener with at most maxConnections open; further ones wait in the operating
// system's backlog until one closes.
func New(listener net.Listener, maxConnections int) net.Listener {
	return &bounded{
		Listener: listener,
		slots:    make(chan struct{}, maxConnections),
		closed:   make(chan struct{}),
	}
}

type bounded struct {
	net.Listener
	slots     chan struct{}
	closed    chan struct{}
	closeOnce sync.Once
}

func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.slots <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	connection, err := b.Listener.Accept()
	if err != nil {
		<-b.slots
		return nil, err
	}
	return &counted{Conn: connection, release: sync.OnceFunc(func() { <-b.slots })}, nil
}

func (b *bounded) Close() error {
	b.closeOnce.Do(func() { close(b.closed) })
	return b.Listener.Close()
}

type counted struct {
	net.Conn
	release func()
}

func (c *counted) Close() error {
	err := c.Conn.Close()
	c.release()
	return err
}
