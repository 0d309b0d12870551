package jsonscan

import "encoding/json"

// The functions below take text that Valid has accepted, and byte offsets into it; on other text
// they may panic.

// A Range is text[Start:End].
type Range struct{ Start, End int }

// A Member of an object.
type Member struct {
	Key   Range  // with its quotes
	Name  string // the key, unescaped
	Value Range  // without white space around it
}

// Root returns the range of the text's one value.
func Root(text []byte) Range { return valueAt(text, 0) }

// Members returns the members of the object that starts at r.Start, in their order, duplicates too.
func Members(text []byte, r Range) []Member {
	var members []Member
	pos := skipSpace(text, r.Start+1)
	for text[pos] != '}' {
		key := Range{pos, skipString(text, pos)}
		pos = skipSpace(text, key.End) + 1 // the colon
		value := valueAt(text, pos)
		members = append(members, Member{Key: key, Name: Unquote(text[key.Start:key.End]), Value: value})
		pos = next(text, value.End)
	}
	return members
}

// Elements returns the elements of the array that starts at r.Start.
func Elements(text []byte, r Range) []Range {
	var elements []Range
	pos := skipSpace(text, r.Start+1)
	for text[pos] != ']' {
		value := valueAt(text, pos)
		elements = append(elements, value)
		pos = next(text, value.End)
	}
	return elements
}

// Unquote returns what a JSON string, given with its quotes, stands for. Halves of surrogate pairs
// become U+FFFD.
func Unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	for _, c := range inner {
		if c == '\\' {
			var unquoted string
			if err := json.Unmarshal(quoted, &unquoted); err != nil {
				panic("jsonscan: not a valid string: " + err.Error())
			}
			return unquoted
		}
	}
	return string(inner)
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends text, which must be UTF-8, as a JSON string.
func AppendQuoted(to, text []byte) []byte {
	to = append(to, '"')
	start := 0
	for i, c := range text {
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		to = append(to, text[start:i]...)
		if c < 0x20 {
			to = append(to, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		} else {
			to = append(to, '\\', c)
		}
		start = i + 1
	}
	to = append(to, text[start:]...)
	return append(to, '"')
}

// next returns where the next element starts, or the closer, after a value that ends at pos.
func next(text []byte, pos int) int {
	pos = skipSpace(text, pos)
	if text[pos] == ',' {
		pos = skipSpace(text, pos+1)
	}
	return pos
}

func valueAt(text []byte, pos int) Range {
	start := skipSpace(text, pos)
	return Range{start, skipValue(text, start)}
}

func skipString(text []byte, pos int) int {
	for pos++; text[pos] != '"'; pos++ {
		if text[pos] == '\\' {
			pos++
		}
	}
	return pos + 1
}

func skipValue(text []byte, pos int) int {
	switch text[pos] {
	case '"':
		return skipString(text, pos)
	case '{', '[':
		depth := 0
		for {
			switch text[pos] {
			case '"':
				pos = skipString(text, pos) - 1
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			pos++
			if depth == 0 {
				return pos
			}
		}
	}
	for pos < len(text) {
		switch text[pos] {
		case ' ', '\t', '\r', '\n', ',', ']', '}':
			return pos
		}
		pos++
	}
	return pos
}
