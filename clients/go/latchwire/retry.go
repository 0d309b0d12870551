package latchwire

import (
	"context"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
)

const (
	firstDelay = 100 * time.Millisecond
	maxDelay   = 5 * time.Second
)

// retrier retries calls that failed for a passing reason, within one deadline for all tries.
type retrier struct {
	timeout time.Duration
	sleep   func(context.Context, time.Duration) error
	jitter  func() float64 // 0 to 1
}

func (r retrier) intercept(ctx context.Context, method string, request, reply any, connection *grpc.ClientConn,
	invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.timeout)
		defer cancel()
	}
	tries, _ := ctx.Value(triesKey{}).(*int)
	for delay := firstDelay; ; delay = min(2*delay, maxDelay) {
		if tries != nil {
			*tries++
		}
		err := invoke(ctx, method, request, reply, connection, options...)
		if err == nil {
			return nil
		}
		failed := newError(err)
		if !passes(failed, method, request) {
			return failed
		}
		// Never earlier than asked for, and not all clients at once.
		wait := failed.RetryDelay + time.Duration(r.jitter()*float64(delay))
		if deadline, _ := ctx.Deadline(); time.Until(deadline) <= wait {
			return failed
		}
		if r.sleep(ctx, wait) != nil {
			return failed
		}
	}
}

// passes tells whether a failed call may succeed, and do no harm, when it is made again. A broken
// connection leaves open whether the call was done; an answer with a reason says that it was not.
func passes(e *Error, method string, request any) bool {
	if e.Code == codes.Unavailable {
		return e.Reason != "" || isIdempotent(method, request)
	}
	return e.RetryDelay > 0
}

// isIdempotent is true for calls that do the same when done twice.
func isIdempotent(method string, request any) bool {
	name := method[strings.LastIndexByte(method, '/')+1:]
	switch request := request.(type) {
	case *latchwirev1.PublishEventRequest:
		return request.GetEvent().GetId() != ""
	case *latchwirev1.BatchPublishEventsRequest:
		for _, event := range request.GetEvents() {
			if event.GetId() == "" {
				return false
			}
		}
		return true
	case *latchwirev1.CreateWebhookRequest:
		return request.GetWebhookId() != ""
	case *latchwirev1.UpdateWebhookRequest:
		// Not with an etag: the first call changes it, so a second would fail.
		return request.GetWebhook().GetEtag() == ""
	case *latchwirev1.UpdateTenantRequest:
		return request.GetTenant().GetEtag() == ""
	}
	return strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
}

// triesKey is the key of an *int in a context, in which the retrier counts.
type triesKey struct{}

func sleep(ctx context.Context, delay time.Duration) error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func jitter() float64 { return rand.Float64() }
