package restapi

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/protobuf/proto"

	"github.com/latchwire/latchwire/server/gateway/internal/apierror"
)

// queryParser refuses parameters that a method does not have, which the library would ignore, and
// reports all bad ones at once.
type queryParser struct{ runtime.DefaultQueryParser }

func (p queryParser) Parse(message proto.Message, values url.Values, bound *utilities.DoubleArray) error {
	var violations []apierror.Violation
	for _, name := range sortedKeys(values) {
		field := fieldNamed(message.ProtoReflect().Descriptor(), name)
		if field == nil || field.IsMap() || bound.HasCommonPrefix([]string{string(field.Name())}) {
			violations = append(violations, apierror.Violation{
				Field: name, Description: "is not a query parameter of this method"})
			continue
		}
		err := p.DefaultQueryParser.Parse(message, url.Values{name: values[name]}, bound)
		if err != nil {
			violations = append(violations, apierror.Violation{
				Field: name, Description: "is not valid: " + shorten(err)})
		}
	}
	if len(violations) > 0 {
		return apierror.Carry(apierror.InvalidFields(violations...))
	}
	return nil
}

func sortedKeys(values url.Values) []string {
	var keys []string
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// The field is named by the violation, and users don't know Go's functions.
var noise = regexp.MustCompile(`^parsing field "[^"]*": |strconv\.\w+: `)

func shorten(err error) string {
	return strings.TrimSpace(noise.ReplaceAllString(err.Error(), ""))
}
