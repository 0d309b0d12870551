package exactjson

import (
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
	"github.com/latchwire/latchwire/server/gateway/internal/jsonscan"
)

// incoming rewrites a body for protojson. On its way it finds what protojson would report one at a
// time or under a name that the client does not know.
type incoming struct {
	text       []byte
	out        []byte
	copied     int // text before this is in out
	spans      []span
	violations []apierror.Violation
}

// A span of out and the field whose value it is, so that protojson's errors get a name.
type span struct {
	start, end int
	path       string
}

func (in *incoming) message(d protoreflect.MessageDescriptor, r jsonscan.Range, path string) {
	if in.text[r.Start] != '{' || isOpaque(d) {
		return
	}
	seen := map[string]string{} // what a member means -> how it was written
	for _, member := range jsonscan.Members(in.text, r) {
		memberPath := join(path, member.Name)
		field := fieldOf(d, member.Name)
		if field == nil {
			in.violate(memberPath, "is not a field of "+string(d.Name())+hint(d, member.Name))
			continue
		}
		if earlier, ok := seen[groupOf(field)]; ok {
			in.violate(memberPath, conflict(earlier, member.Name))
			continue
		}
		seen[groupOf(field)] = member.Name
		switch {
		case isEventJSON(field):
			in.copyTo(member.Key.Start)
			in.out = append(in.out, `"json":`...)
			in.out = jsonscan.AppendQuoted(in.out, in.text[member.Value.Start:member.Value.End])
			in.copied = member.Value.End
		case isEventBinary(field):
			in.copyTo(member.Key.Start)
			in.out = append(in.out, `"binary":`...)
			in.copied = member.Value.Start
			in.value(field, member.Value, memberPath)
		default:
			in.value(field, member.Value, memberPath)
		}
	}
}

func (in *incoming) value(field protoreflect.FieldDescriptor, r jsonscan.Range, path string) {
	in.copyTo(r.Start)
	start := len(in.out)
	switch {
	case field.IsList() && in.text[r.Start] == '[':
		for i, element := range jsonscan.Elements(in.text, r) {
			in.element(field.Message(), element, fmt.Sprintf("%s[%d]", path, i))
		}
	case field.IsMap() && in.text[r.Start] == '{':
		for _, entry := range jsonscan.Members(in.text, r) {
			in.element(field.MapValue().Message(), entry.Value, fmt.Sprintf("%s[%q]", path, entry.Name))
		}
	case !field.IsList() && !field.IsMap() && field.Message() != nil:
		in.message(field.Message(), r, path)
	}
	in.copyTo(r.End)
	in.spans = append(in.spans, span{start, len(in.out), path})
}

// element is one of a list's or map's values; d is nil where they are no messages.
func (in *incoming) element(d protoreflect.MessageDescriptor, r jsonscan.Range, path string) {
	in.copyTo(r.Start)
	start := len(in.out)
	if d != nil {
		in.message(d, r, path)
	}
	in.copyTo(r.End)
	in.spans = append(in.spans, span{start, len(in.out), path})
}

func (in *incoming) copyTo(end int) {
	in.out = append(in.out, in.text[in.copied:end]...)
	in.copied = end
}

func (in *incoming) finish(end int) []byte {
	in.copyTo(end)
	return in.out
}

func (in *incoming) violate(path, description string) {
	in.violations = append(in.violations, apierror.Violation{Field: path, Description: description})
}

// Every error of protojson begins with "proto:" and a space of one kind or another.
var protojsonError = regexp.MustCompile(`^proto:[\s\x{a0}]+(?:syntax error )?(?:\(line (\d+):(\d+)\):[\s\x{a0}]*)?(.*)$`)

// explain turns an error of protojson about the rewritten text into the field that it is about.
func (in *incoming) explain(rewritten []byte, err error) apierror.Violation {
	parts := protojsonError.FindStringSubmatch(err.Error())
	if parts == nil {
		return apierror.Violation{Description: err.Error()}
	}
	violation := apierror.Violation{Description: "the body is not valid: " + parts[3]}
	if parts[1] == "" {
		return violation
	}
	offset := offsetOf(rewritten, parts[1], parts[2])
	// Inner values end before the ones around them, so the first that fits is the innermost.
	for _, span := range in.spans {
		if span.start <= offset && offset < span.end {
			violation.Field = span.path
			violation.Description = "is not valid: " + parts[3]
			break
		}
	}
	return violation
}

// offsetOf finds a line and column, both from 1, the latter in characters.
func offsetOf(text []byte, lineText, columnText string) int {
	line, _ := strconv.Atoi(lineText)
	column, _ := strconv.Atoi(columnText)
	offset := 0
	for ; line > 1 && offset < len(text); offset++ {
		if text[offset] == '\n' {
			line--
		}
	}
	for ; column > 1 && offset < len(text); column-- {
		_, size := utf8.DecodeRune(text[offset:])
		offset += size
	}
	return offset
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// groupOf names what may be given once: a field, or a oneof as a whole.
func groupOf(field protoreflect.FieldDescriptor) string {
	if oneof := field.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		return "oneof " + string(oneof.Name())
	}
	return string(field.Name())
}

func conflict(earlier, later string) string {
	if earlier == later {
		return "is given twice"
	}
	return "cannot be combined with " + earlier
}

// hint tells who writes protobuf's names for an event's payload what it is called here.
func hint(d protoreflect.MessageDescriptor, name string) string {
	if d.FullName() != eventName {
		return ""
	}
	switch {
	case name == "json":
		return ": the payload is called data"
	case name == "binary":
		return ": a payload that is not JSON is called dataBase64"
	}
	return ""
}
