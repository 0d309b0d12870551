package exactjson

import (
	"encoding/base64"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/latchwire/latchwire/server/gateway/internal/jsonscan"
)

// outgoing rewrites what protojson wrote.
type outgoing struct {
	text   []byte
	out    []byte
	copied int // text before this is in out
}

func (o *outgoing) message(d protoreflect.MessageDescriptor, r jsonscan.Range) {
	if o.text[r.Start] != '{' || isOpaque(d) || !holdsEvents(d) {
		return
	}
	for _, member := range jsonscan.Members(o.text, r) {
		field := d.Fields().ByJSONName(member.Name)
		switch {
		case field == nil:
		case d.FullName() == eventName && field.Name() == "json":
			o.data(member)
		case d.FullName() == eventName && field.Name() == "binary":
			o.copyTo(member.Key.Start)
			o.out = append(o.out, `"dataBase64"`...)
			o.copied = member.Key.End
		case field.IsList() && field.Message() != nil:
			for _, element := range jsonscan.Elements(o.text, member.Value) {
				o.message(field.Message(), element)
			}
		case field.IsMap() && field.MapValue().Message() != nil:
			for _, entry := range jsonscan.Members(o.text, member.Value) {
				o.message(field.MapValue().Message(), entry.Value)
			}
		case !field.IsMap() && field.Message() != nil:
			o.message(field.Message(), member.Value)
		}
	}
}

func (o *outgoing) data(member jsonscan.Member) {
	raw := []byte(jsonscan.Unquote(o.text[member.Value.Start:member.Value.End]))
	o.copyTo(member.Key.Start)
	if jsonscan.Valid(raw, maxDepth) == nil {
		o.out = append(o.out, `"data":`...)
		o.out = append(o.out, raw...)
	} else {
		// The server refuses such data; if some is stored nevertheless, the response is still JSON.
		o.out = append(o.out, `"dataBase64":"`...)
		o.out = base64.StdEncoding.AppendEncode(o.out, raw)
		o.out = append(o.out, '"')
	}
	o.copied = member.Value.End
}

func (o *outgoing) copyTo(end int) {
	o.out = append(o.out, o.text[o.copied:end]...)
	o.copied = end
}

func (o *outgoing) finish() []byte {
	o.copyTo(len(o.text))
	return o.out
}

// fieldOf finds the field that a client means by name: JSON's or protobuf's spelling, and for an
// event's payload the names of this package only.
func fieldOf(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if d.FullName() == eventName {
		switch name {
		case "data":
			return d.Fields().ByName("json")
		case "dataBase64", "data_base64":
			return d.Fields().ByName("binary")
		case "json", "binary":
			return nil
		}
	}
	if field := d.Fields().ByJSONName(name); field != nil {
		return field
	}
	return d.Fields().ByTextName(name)
}

func isEventJSON(field protoreflect.FieldDescriptor) bool {
	return field.Parent().FullName() == eventName && field.Name() == "json"
}

func isEventBinary(field protoreflect.FieldDescriptor) bool {
	return field.Parent().FullName() == eventName && field.Name() == "binary"
}

// isOpaque is true for messages whose JSON does not show their fields: timestamps, masks, Any.
func isOpaque(d protoreflect.MessageDescriptor) bool {
	return d.ParentFile().Package() == "google.protobuf" && d.FullName() != "google.protobuf.Empty"
}

var eventHolders sync.Map // protoreflect.FullName -> bool

// holdsEvents tells whether a message is an event or can have one somewhere inside.
func holdsEvents(d protoreflect.MessageDescriptor) bool {
	if known, ok := eventHolders.Load(d.FullName()); ok {
		return known.(bool)
	}
	holds := reachesEvent(d, map[protoreflect.FullName]bool{})
	eventHolders.Store(d.FullName(), holds)
	return holds
}

func reachesEvent(d protoreflect.MessageDescriptor, visited map[protoreflect.FullName]bool) bool {
	if d.FullName() == eventName {
		return true
	}
	if visited[d.FullName()] || isOpaque(d) {
		return false
	}
	visited[d.FullName()] = true
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		if field.IsMap() {
			field = field.MapValue()
		}
		if field.Message() != nil && reachesEvent(field.Message(), visited) {
			return true
		}
	}
	return false
}
