// Package exactjson converts between the API's messages and the JSON that clients see, in which the
// payload of an event is a JSON value of its own, byte for byte:
//
//	message field        JSON member
//	Event.json           "data": any JSON value, kept exactly as it is
//	Event.binary         "dataBase64": "..."
//
// In requests the byte range of each "data" is passed to protojson as a string; in responses the string's
// bytes are put in its place. They are never decoded and encoded again. Everything else is protojson:
// lowerCamelCase, enum names, absent fields left out, unknown ones refused.
package exactjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	latchwirev1 "github.com/latchwire/latchwire/clients/go/latchwire/v1"
	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/jsonscan"
)

// The server takes event data nested 512 deep; messages add a few levels around it.
const maxDepth = 520

// Marshaler is a runtime.Marshaler. Its Unmarshal and decoders return errors that apierror.Recover
// reads.
type Marshaler struct{}

var _ runtime.Marshaler = Marshaler{}

// ContentType is the media type of all responses.
func (Marshaler) ContentType(any) string { return "application/json" }

// Marshal takes a message or a slice of messages; this API never answers with anything else.
func (Marshaler) Marshal(v any) ([]byte, error) {
	if message, ok := v.(proto.Message); ok {
		text, err := marshalMessage(message)
		return append(text, '\n'), err
	}
	value := reflect.ValueOf(v)
	if value.Kind() != reflect.Slice {
		return nil, fmt.Errorf("exactjson: cannot marshal %T", v)
	}
	text := []byte{'['}
	for i := range value.Len() {
		message, ok := value.Index(i).Interface().(proto.Message)
		if !ok {
			return nil, fmt.Errorf("exactjson: cannot marshal %T", v)
		}
		element, err := marshalMessage(message)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, element...)
	}
	return append(text, "]\n"...), nil
}

// Unmarshal takes a pointer to a message, to a pointer to a message, or to a slice of such pointers.
func (Marshaler) Unmarshal(text []byte, v any) error {
	if err := jsonscan.Valid(text, maxDepth); err != nil {
		return invalidJSON(err)
	}
	root := jsonscan.Root(text)
	if message, ok := v.(proto.Message); ok {
		return unmarshalMessage(text, root, "", message)
	}
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		return fmt.Errorf("exactjson: cannot unmarshal into %T", v)
	}
	target = target.Elem()
	if message, ok := newMessage(target.Type()); ok {
		if err := unmarshalMessage(text, root, "", message); err != nil {
			return err
		}
		target.Set(reflect.ValueOf(message))
		return nil
	}
	if target.Kind() != reflect.Slice {
		return fmt.Errorf("exactjson: cannot unmarshal into %T", v)
	}
	if text[root.Start] != '[' {
		return apierror.Carry(apierror.InvalidFields(
			apierror.Violation{Description: "the body must be a JSON array"}))
	}
	for i, element := range jsonscan.Elements(text, root) {
		message, ok := newMessage(target.Type().Elem())
		if !ok {
			return fmt.Errorf("exactjson: cannot unmarshal into %T", v)
		}
		if err := unmarshalMessage(text, element, fmt.Sprintf("[%d]", i), message); err != nil {
			return err
		}
		target.Set(reflect.Append(target, reflect.ValueOf(message)))
	}
	return nil
}

// NewDecoder decodes all of r. An empty body is io.EOF, which generated code takes for no fields.
func (m Marshaler) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if len(bytes.Trim(text, " \t\r\n")) == 0 {
			return io.EOF
		}
		return m.Unmarshal(text, v)
	})
}

// NewEncoder writes what Marshal returns.
func (m Marshaler) NewEncoder(w io.Writer) runtime.Encoder {
	return runtime.EncoderFunc(func(v any) error {
		text, err := m.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	})
}

func newMessage(t reflect.Type) (proto.Message, bool) {
	if t.Kind() != reflect.Pointer || !t.Implements(reflect.TypeFor[proto.Message]()) {
		return nil, false
	}
	return reflect.New(t.Elem()).Interface().(proto.Message), true
}

func marshalMessage(message proto.Message) ([]byte, error) {
	text, err := protojson.Marshal(message)
	if err != nil {
		return nil, err
	}
	out := outgoing{text: compact(text)}
	if holdsEvents(message.ProtoReflect().Descriptor()) {
		out.message(message.ProtoReflect().Descriptor(), jsonscan.Root(out.text))
	}
	return out.finish(), nil
}

func unmarshalMessage(text []byte, r jsonscan.Range, path string, message proto.Message) error {
	in := incoming{text: text, copied: r.Start}
	in.message(message.ProtoReflect().Descriptor(), r, path)
	if len(in.violations) > 0 {
		return apierror.Carry(apierror.InvalidFields(in.violations...))
	}
	rewritten := in.finish(r.End)
	if err := protojson.Unmarshal(rewritten, message); err != nil {
		return apierror.Carry(apierror.InvalidFields(in.explain(rewritten, err)))
	}
	return nil
}

func invalidJSON(err error) error {
	var syntax *jsonscan.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	return apierror.Carry(apierror.New(codes.InvalidArgument,
		latchwirev1.ErrorReason_ERROR_REASON_JSON_INVALID,
		map[string]string{"offset": fmt.Sprint(syntax.Offset)}, "%v", err))
}

// compact removes the spaces between tokens, which protojson varies from build to build on purpose.
func compact(text []byte) []byte {
	out := text[:0]
	inString := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case !inString && c == ' ':
			continue
		case c == '"':
			inString = !inString
		case c == '\\':
			out = append(out, c)
			i++
			c = text[i]
		}
		out = append(out, c)
	}
	return out
}

const eventName protoreflect.FullName = "latchwire.v1.Event"
