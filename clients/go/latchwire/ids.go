package latchwire

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// newUUIDv7 begins with the time, so that ids made one after another are near each other in the
// server's indexes.
func newUUIDv7() string {
	var id [16]byte
	fillRandom(id[6:])
	var milliseconds [8]byte
	binary.BigEndian.PutUint64(milliseconds[:], uint64(time.Now().UnixMilli()))
	copy(id[:6], milliseconds[2:])
	return format(id, 7)
}

func newUUIDv4() string {
	var id [16]byte
	fillRandom(id[:])
	return format(id, 4)
}

func format(id [16]byte, version byte) string {
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
	text := hex.EncodeToString(id[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

func fillRandom(bytes []byte) {
	if _, err := rand.Read(bytes); err != nil {
		panic("latchwire: the operating system has no random numbers: " + err.Error())
	}
}
