// Package openapi serves the description of the HTTP API that protoc-gen-openapiv2 wrote, corrected where
// clients see something different from the protos.
package openapi

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/latchwire/latchwire/server/gateway/internal/version"
)

//go:embed openapi.json
var generated []byte

type object = map[string]any

// Document is the corrected description.
type Document struct {
	JSON   []byte
	routes []route
}

type route struct {
	segments []string
	methods  []string
}

// Load corrects the generated description. It fails if that is not what the corrections expect.
func Load() (*Document, error) {
	var root object
	if err := json.Unmarshal(generated, &root); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	root["info"] = object{
		"title":   "Latchwire",
		"version": version.Version,
		"description": "Makes door and intercom events arrive. Errors are google.rpc.Status; `details` holds a " +
			"google.rpc.ErrorInfo whose `reason` says what happened.",
	}
	root["securityDefinitions"] = object{"ApiKey": object{
		"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Bearer <id>.<secret>`",
	}}
	root["security"] = []any{object{"ApiKey": []any{}}}
	if err := describePayload(root); err != nil {
		return nil, err
	}
	document := &Document{}
	paths, ok := root["paths"].(object)
	if !ok {
		return nil, fmt.Errorf("openapi.json: no paths")
	}
	corrected := object{}
	for path, operations := range paths {
		// The generator takes the singular of "deliveries" to be "deliverie".
		path = strings.ReplaceAll(path, "{deliverie}", "{delivery}")
		corrected[path] = operations
		found := route{segments: strings.Split(path, "/")}
		for method, operation := range operations.(object) {
			found.methods = append(found.methods, strings.ToUpper(method))
			correctParameters(operation.(object))
		}
		slices.Sort(found.methods)
		document.routes = append(document.routes, found)
	}
	root["paths"] = corrected
	var err error
	document.JSON, err = json.MarshalIndent(root, "", "  ")
	return document, err
}

// describePayload replaces the proto's members with those that internal/exactjson makes.
func describePayload(root object) error {
	definitions, _ := root["definitions"].(object)
	event, _ := definitions["v1Event"].(object)
	properties, _ := event["properties"].(object)
	if properties["json"] == nil || properties["binary"] == nil {
		return fmt.Errorf("openapi.json: v1Event has no json and binary")
	}
	delete(properties, "json")
	delete(properties, "binary")
	properties["data"] = object{"description": "The payload, any JSON value. It is kept byte for byte: number " +
		"spelling, key order, duplicate keys, escapes and spaces stay. At most 262144 bytes. Cannot be combined with `dataBase64`."}
	properties["dataBase64"] = object{"type": "string", "format": "byte",
		"description": "The payload where it is not JSON, in base64. At most 262144 bytes decoded. Cannot be combined with `data`."}
	return nil
}

func correctParameters(operation object) {
	parameters, _ := operation["parameters"].([]any)
	for _, each := range parameters {
		parameter := each.(object)
		if parameter["name"] == "deliverie" {
			parameter["name"] = "delivery"
		}
		// A field that is the body is marked as required inside of itself.
		if schema, ok := parameter["schema"].(object); ok && schema["$ref"] != nil {
			delete(schema, "required")
		}
	}
}

// Methods returns the HTTP methods of a path, sorted; none if there is no such path.
func (d *Document) Methods(path string) []string {
	segments := strings.Split(path, "/")
	var methods []string
	for _, route := range d.routes {
		if slices.EqualFunc(route.segments, segments, fits) {
			methods = append(methods, route.methods...)
		}
	}
	slices.Sort(methods)
	return slices.Compact(methods)
}

// fits compares one segment of a template, such as `{webhook}:sendTestEvent`, with one of a path.
func fits(template, segment string) bool {
	before, rest, variable := strings.Cut(template, "{")
	if !variable {
		return template == segment
	}
	_, after, _ := strings.Cut(rest, "}")
	return strings.HasPrefix(segment, before) && strings.HasSuffix(segment, after) &&
		len(segment) > len(before)+len(after)
}
