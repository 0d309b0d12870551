// Package webhookverify checks that a webhook that arrived was sent by a holder of the secret. It
// needs nothing but the standard library.
//
//	body, err := io.ReadAll(request.Body)
//	...
//	err = webhookverify.VerifyStandard([]string{secret}, request.Header, body, time.Now(),
//		webhookverify.DefaultTolerance)
//
// The body must be the bytes as they came, before anything decoded them. Signatures are compared in
// constant time. During a rotation give all secrets: one that fits is enough.
package webhookverify

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DefaultTolerance is how far a signed time may be off, which limits how long a copied request can
// be played again.
const DefaultTolerance = 5 * time.Minute

// A Reason says why a request must not be trusted.
type Reason string

const (
	// SecretInvalid is a mistake of the receiver's own: a secret is empty or cannot be decoded.
	SecretInvalid Reason = "SECRET_INVALID"
	// HeaderMissing means that a header which the scheme needs is absent or empty.
	HeaderMissing Reason = "HEADER_MISSING"
	// TimestampInvalid means that the timestamp is no number.
	TimestampInvalid Reason = "TIMESTAMP_INVALID"
	// TimestampOutOfTolerance means that the request is too old, or from the future.
	TimestampOutOfTolerance Reason = "TIMESTAMP_OUT_OF_TOLERANCE"
	// SignatureMismatch means that no signature fits any of the secrets.
	SignatureMismatch Reason = "SIGNATURE_MISMATCH"
)

// An Error is what every function here fails with.
type Error struct {
	Reason  Reason
	message string
}

func (e *Error) Error() string { return "webhook signature: " + e.message }

func refuse(reason Reason, message string) error { return &Error{reason, message} }

// VerifyStandard checks a signature of the Standard Webhooks specification, symmetric (v1). A secret
// is `whsec_` followed by base64. The signed time may be off by tolerance either way.
func VerifyStandard(secrets []string, header http.Header, body []byte, now time.Time,
	tolerance time.Duration) error {
	keys, err := standardKeys(secrets)
	if err != nil {
		return err
	}
	id, err := get(header, "webhook-id")
	if err != nil {
		return err
	}
	timestamp, err := get(header, "webhook-timestamp")
	if err != nil {
		return err
	}
	signatures, err := get(header, "webhook-signature")
	if err != nil {
		return err
	}
	if err := checkTime(timestamp, 1000, now, tolerance); err != nil {
		return err
	}
	fits := 0
	for _, key := range keys {
		want := base64.StdEncoding.EncodeToString(sign(key, id, ".", timestamp, ".", string(body)))
		for _, signature := range strings.Split(signatures, " ") {
			if given, ok := strings.CutPrefix(signature, "v1,"); ok {
				fits |= subtle.ConstantTimeCompare([]byte(want), []byte(given))
			}
		}
	}
	return judge(fits)
}

// VerifyTwenty checks Twenty CRM's signature: hex HMAC-SHA256 of `<timestamp in ms>:<body>`. The
// signed time may be off by tolerance either way.
func VerifyTwenty(secrets []string, header http.Header, body []byte, now time.Time,
	tolerance time.Duration) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	timestamp, err := get(header, "x-twenty-webhook-timestamp")
	if err != nil {
		return err
	}
	signature, err := get(header, "x-twenty-webhook-signature")
	if err != nil {
		return err
	}
	if err := checkTime(timestamp, 1, now, tolerance); err != nil {
		return err
	}
	return checkHex(secrets, signature, timestamp, ":", string(body))
}

// VerifyPanel checks a door panel's signature: hex HMAC-SHA256 of the body. The time is not signed,
// so a copied request stays valid: deduplicate by the body's event_id where that matters.
func VerifyPanel(secrets []string, header http.Header, body []byte) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	signature, err := get(header, "x-webhook-signature")
	if err != nil {
		return err
	}
	return checkHex(secrets, signature, string(body))
}

func standardKeys(secrets []string) ([][]byte, error) {
	if err := checkSecrets(secrets); err != nil {
		return nil, err
	}
	var keys [][]byte
	for _, secret := range secrets {
		text := strings.TrimPrefix(secret, "whsec_")
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(key) == 0 || strings.ContainsAny(text, "\r\n") {
			return nil, refuse(SecretInvalid, "the secret is not `whsec_` followed by base64")
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func checkSecrets(secrets []string) error {
	if len(secrets) == 0 {
		return refuse(SecretInvalid, "no secret is given")
	}
	for _, secret := range secrets {
		if secret == "" {
			return refuse(SecretInvalid, "an empty secret verifies nothing")
		}
	}
	return nil
}

// get returns a header's first value. Maps that did not come from net/http may spell names as they
// like, so it does not rely on their canonical form.
func get(header http.Header, name string) (string, error) {
	for key, values := range header {
		if strings.EqualFold(key, name) && len(values) > 0 && values[0] != "" {
			return values[0], nil
		}
	}
	return "", refuse(HeaderMissing, "the header "+name+" is missing")
}

func checkTime(text string, millisecondsPerUnit int64, now time.Time, tolerance time.Duration) error {
	const maxDigits = 18
	if text == "" || len(text) > maxDigits || strings.Trim(text, "0123456789") != "" {
		return refuse(TimestampInvalid, "the timestamp is not a number")
	}
	units, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return refuse(TimestampInvalid, "the timestamp is not a number")
	}
	from := now.Add(-tolerance).UnixMilli()
	to := now.Add(tolerance).UnixMilli()
	// The far future is refused first, in the timestamp's unit, so that the product cannot overflow.
	if units > to/millisecondsPerUnit || units*millisecondsPerUnit < from {
		return refuse(TimestampOutOfTolerance, "the timestamp is too old or in the future")
	}
	return nil
}

func checkHex(secrets []string, signature string, parts ...string) error {
	given, err := hex.DecodeString(signature)
	if err != nil {
		return refuse(SignatureMismatch, "the signature is not hexadecimal")
	}
	fits := 0
	for _, secret := range secrets {
		fits |= subtle.ConstantTimeCompare(given, sign([]byte(secret), parts...))
	}
	return judge(fits)
}

func sign(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

func judge(fits int) error {
	if fits != 1 {
		return refuse(SignatureMismatch, "no signature fits the secret")
	}
	return nil
}
