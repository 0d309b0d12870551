package restapi

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/latchwire/latchwire/server/gateway/internal/jsonscan"
)

// maskingConnection gives updates the mask that an HTTP client means: updateMask's names in
// protobuf's spelling or, without it, the body's members. Generated code would name fields inside of
// fields as well, and those that the client only sent back.
type maskingConnection struct{ grpc.ClientConnInterface }

func (c maskingConnection) Invoke(ctx context.Context, method string, in, out any, options ...grpc.CallOption) error {
	if message, ok := in.(proto.Message); ok {
		if kept, ok := requestFrom(ctx); ok {
			setMask(message.ProtoReflect(), kept)
		}
	}
	return c.ClientConnInterface.Invoke(ctx, method, in, out, options...)
}

func setMask(message protoreflect.Message, kept *request) {
	maskField := message.Descriptor().Fields().ByName("update_mask")
	if maskField == nil {
		return
	}
	resource := resourceOf(message.Descriptor())
	mask := &fieldmaskpb.FieldMask{}
	if kept.maskGiven {
		given := message.Get(maskField).Message().Interface().(*fieldmaskpb.FieldMask)
		for _, path := range given.GetPaths() {
			if path = strings.TrimSpace(path); path != "" {
				mask.Paths = append(mask.Paths, protoPath(resource, path))
			}
		}
	} else {
		mask.Paths = changedFields(resource, kept.body)
	}
	message.Set(maskField, protoreflect.ValueOfMessage(mask.ProtoReflect()))
}

// resourceOf returns the message that an update request changes.
func resourceOf(d protoreflect.MessageDescriptor) protoreflect.MessageDescriptor {
	for i := range d.Fields().Len() {
		if m := d.Fields().Get(i).Message(); m != nil && m.FullName() != "google.protobuf.FieldMask" {
			return m
		}
	}
	return nil
}

// protoPath turns JSON's names into protobuf's; unknown ones stay, for the server to refuse.
func protoPath(d protoreflect.MessageDescriptor, path string) string {
	segments := strings.Split(path, ".")
	for i, segment := range segments {
		if d == nil {
			break
		}
		field := fieldNamed(d, segment)
		if field == nil {
			break
		}
		segments[i] = string(field.Name())
		d = field.Message()
	}
	return strings.Join(segments, ".")
}

// changedFields returns the members of a body that can be changed. Output-only ones are ignored, so
// that what was read can be changed and sent back; an etag is a condition. A member that is null is
// set to its default.
func changedFields(d protoreflect.MessageDescriptor, body []byte) []string {
	var paths []string
	if d == nil || len(body) == 0 || jsonscan.Valid(body, len(body)) != nil {
		return nil
	}
	root := jsonscan.Root(body)
	if body[root.Start] != '{' {
		return nil
	}
	for _, member := range jsonscan.Members(body, root) {
		field := fieldNamed(d, member.Name)
		if field != nil && field.Name() != "etag" && !isOutputOnly(field) {
			paths = append(paths, string(field.Name()))
		}
	}
	return paths
}

func fieldNamed(d protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := d.Fields().ByJSONName(name); field != nil {
		return field
	}
	return d.Fields().ByTextName(name)
}

func isOutputOnly(field protoreflect.FieldDescriptor) bool {
	behaviors, _ := proto.GetExtension(field.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return slices.Contains(behaviors, annotations.FieldBehavior_OUTPUT_ONLY)
}
