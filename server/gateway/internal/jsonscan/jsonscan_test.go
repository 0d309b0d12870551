package jsonscan

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// The same cases as the server's own checker of event data reads.
func TestSharedVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.FromSlash("../../../../tests/vectors/json_wellformed.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct {
			Text       *string             `json:"text"`
			TextBase64 *string             `json:"text_base64"`
			Repeat     [][]json.RawMessage `json:"repeat"`
			Valid      bool                `json:"valid"`
		} `json:"cases"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 50 {
		t.Fatalf("only %d cases", len(file.Cases))
	}
	const serverMaxDepth = 512
	for i, c := range file.Cases {
		var input []byte
		switch {
		case c.Text != nil:
			input = []byte(*c.Text)
		case c.TextBase64 != nil:
			if input, err = base64.StdEncoding.DecodeString(*c.TextBase64); err != nil {
				t.Fatal(err)
			}
		case c.Repeat != nil:
			input = repeat(t, c.Repeat)
		default:
			t.Fatalf("case %d has neither text nor text_base64 nor repeat", i)
		}
		if err := Valid(input, serverMaxDepth); (err == nil) != c.Valid {
			t.Errorf("case %d, %.80q: got %v, want valid=%v", i, input, err, c.Valid)
		}
	}
}

// repeat joins [text, times] pairs.
func repeat(t *testing.T, pairs [][]json.RawMessage) []byte {
	var joined []byte
	for _, pair := range pairs {
		var text string
		var times int
		if err := errors.Join(json.Unmarshal(pair[0], &text), json.Unmarshal(pair[1], &times)); err != nil {
			t.Fatal(err)
		}
		joined = append(joined, strings.Repeat(text, times)...)
	}
	return joined
}

func TestSyntaxErrorsNameTheOffset(t *testing.T) {
	for text, want := range map[string]SyntaxError{
		``:                 {0, "expected a value"},
		`{"a":1,}`:         {7, "expected a member name in quotes"},
		`{"a" 1}`:          {5, "expected ':'"},
		`[1 2]`:            {3, "expected ',' or ']'"},
		`{"a":1]`:          {6, "expected ',' or '}'"},
		`[1] x`:            {4, "text after the value"},
		`01`:               {1, "text after the value"},
		`-x`:               {1, "expected a digit"},
		`1.`:               {2, "expected a digit after '.'"},
		`1e+`:              {3, "expected a digit in the exponent"},
		`"a` + "\n" + `"`:  {2, "control character in a string: escape it"},
		`"\x"`:             {1, "unknown escape"},
		`"\u12G4"`:         {1, "expected four hexadecimal digits after \\u"},
		`"abc`:             {4, "string without end"},
		"\"\xff\"":         {1, "not UTF-8"},
		"\xef\xbb\xbf{}":   {0, "expected a value"},
		`[[[[` + `]]]]`:    {3, "nested deeper than 3"},
		`{"a":{"b":[{}]}}`: {11, "nested deeper than 3"},
	} {
		var got *SyntaxError
		if err := Valid([]byte(text), 3); !errors.As(err, &got) || *got != want {
			t.Errorf("%q: got %v, want %v", text, err, &want)
		}
	}
}

func TestRangesAreExact(t *testing.T) {
	text := []byte(" { \"a\" :\t1.00 ,\"d\\u0061ta\":{\"x\":[1,{\"]\":\"}\"}]} , \"a\":\"\\\\\\\"\",\"\":[ ] } ")
	if err := Valid(text, 10); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range Members(text, Root(text)) {
		got = append(got, m.Name+"="+string(text[m.Value.Start:m.Value.End]))
	}
	want := []string{`a=1.00`, `data={"x":[1,{"]":"}"}]}`, `a="\\\""`, `=[ ]`}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	array := []byte("[ 1.00 ,\"a,b\",[],{} ,null]")
	got = nil
	for _, r := range Elements(array, Root(array)) {
		got = append(got, string(array[r.Start:r.End]))
	}
	if strings.Join(got, "|") != `1.00|"a,b"|[]|{}|null` {
		t.Errorf("got %q", got)
	}
}

func TestQuotedTextComesBack(t *testing.T) {
	for _, text := range []string{"", `\"/`, "\x00\x1f\u2028<&>", "Zażółć 🚪", `{"a":"\/"}`} {
		quoted := AppendQuoted(nil, []byte(text))
		if err := Valid(quoted, 0); err != nil {
			t.Errorf("%q: %v", quoted, err)
		}
		if got := Unquote(quoted); got != text {
			t.Errorf("got %q, want %q", got, text)
		}
	}
}

// FuzzAgainstEncodingJSON checks the scanner against the standard library: same verdict, same
// members and elements.
func FuzzAgainstEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"a":{"b":[1.00,-0e1,"\u00e9\/"]}}`, "[]", `"\ud800"`, "1 ", `{"a":[[{}],null]`, "\xff",
		`[true,false,null,"",{}]`, `{"data":"]}","x":"\\"}`, "nul", "\"\u2028\"", "[1,]", "-",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := Valid(text, 10000)
		if want := json.Valid(text) && utf8.Valid(text); (err == nil) != want {
			t.Fatalf("%q: got %v, the standard library says %v", text, err, want)
		}
		if err != nil {
			return
		}
		check(t, text, Root(text))
	})
}

func check(t *testing.T, text []byte, r Range) {
	raw := text[r.Start:r.End]
	if want := bytes.Trim(raw, " \t\r\n"); !bytes.Equal(raw, want) || !json.Valid(raw) {
		t.Fatalf("range %q is not a value", raw)
	}
	switch raw[0] {
	case '[':
		var want []json.RawMessage
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		elements := Elements(text, r)
		if len(elements) != len(want) {
			t.Fatalf("%q: %d elements, want %d", raw, len(elements), len(want))
		}
		for i, element := range elements {
			if !bytes.Equal(text[element.Start:element.End], want[i]) {
				t.Fatalf("element %d of %q: %q", i, raw, text[element.Start:element.End])
			}
			check(t, text, element)
		}
	case '{':
		var want map[string]json.RawMessage
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		last := map[string][]byte{}
		for _, member := range Members(text, r) {
			last[member.Name] = text[member.Value.Start:member.Value.End]
			check(t, text, member.Value)
		}
		if len(last) != len(want) {
			t.Fatalf("%q: %d names, want %d", raw, len(last), len(want))
		}
		for name, value := range want {
			if !bytes.Equal(last[name], value) {
				t.Fatalf("%q: member %q is %q", raw, name, last[name])
			}
		}
	case '"':
		var want string
		if err := json.Unmarshal(raw, &want); err != nil || Unquote(raw) != want {
			t.Fatalf("%q: unquoted to %q", raw, Unquote(raw))
		}
	}
}
