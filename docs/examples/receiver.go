// Receives Tocsin's webhooks, in any of their formats, with Go's standard library.
//
//	WEBHOOK_SECRET=whsec_… go run receiver.go
//	WEBHOOK_PUBLIC_KEY=whpk_… go run receiver.go     verifies v1a signatures instead
package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	tolerance     = 5 * time.Minute
	bodyBytesMax  = 16 << 20
	rememberedMax = 100_000
)

type keys struct {
	secret    []byte            // of whsec_…, for v1
	publicKey ed25519.PublicKey // of whpk_…, for v1a
}

// refusal is empty when the request is genuine, else why it is not. body is what arrived, byte by byte: never parse first.
func refusal(header http.Header, body []byte, k keys, now time.Time) string {
	id, timestamp, signatures := header.Get("webhook-id"), header.Get("webhook-timestamp"), header.Get("webhook-signature")
	if id == "" || timestamp == "" || signatures == "" {
		return "it is not signed"
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return "its timestamp is no number"
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return "its timestamp is too far from now"
	}
	signed := append([]byte(id+"."+timestamp+"."), body...)
	// One for each key that is valid; during a rotation any of them may be ours.
	for _, entry := range strings.Split(signatures, " ") {
		version, text, _ := strings.Cut(entry, ",")
		signature, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			continue
		}
		if version == "v1" && len(k.secret) > 0 && isHmac(signature, signed, k.secret) {
			return ""
		}
		if version == "v1a" && len(k.publicKey) == ed25519.PublicKeySize && ed25519.Verify(k.publicKey, signed, signature) {
			return ""
		}
	}
	return "none of its signatures is right"
}

// isHmac compares in constant time.
func isHmac(signature, signed, secret []byte) bool {
	mac := hmac.New(sha256.New, secret)
	mac.Write(signed)
	return hmac.Equal(signature, mac.Sum(nil))
}

type event struct {
	// ID names the delivery: what comes again comes under the same one.
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// eventsOf is what a genuine request tells, in the order in which it is to be taken.
func eventsOf(header http.Header, body []byte) ([]event, error) {
	// The ce- headers are not signed; webhook-id is, and is the same as ce-id.
	if kind := header.Get("ce-type"); kind != "" {
		return []event{{ID: header.Get("webhook-id"), Type: kind, Data: body}}, nil
	}
	if header.Get("content-type") == "application/cloudevents-batch+json" {
		var events []event
		err := json.Unmarshal(body, &events)
		return events, err
	}
	var one struct {
		event
		Items []event `json:"items"`
	}
	if err := json.Unmarshal(body, &one); err != nil {
		return nil, err
	}
	if one.Type == "batch" {
		return one.Items, nil
	}
	if one.ID == "" {
		one.ID = header.Get("webhook-id")
	}
	return []event{one.event}, nil
}

// seen, in earnest, is a table of the database, written in the transaction that handles the event.
type seen struct {
	mutex sync.Mutex
	ids   map[string]bool
	order []string
}

func (s *seen) isNew(id string) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.ids[id] {
		return false
	}
	s.ids[id] = true
	s.order = append(s.order, id)
	if len(s.order) > rememberedMax {
		delete(s.ids, s.order[0])
		s.order = s.order[1:]
	}
	return true
}

func receiver(k keys) http.HandlerFunc {
	remembered := &seen{ids: map[string]bool{}}
	return func(response http.ResponseWriter, request *http.Request) {
		if request.Method != http.MethodPost {
			response.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, bodyBytesMax))
		if err != nil {
			response.WriteHeader(http.StatusInternalServerError)
			return
		}
		if reason := refusal(request.Header, body, k, time.Now()); reason != "" {
			fmt.Println("refused:", reason)
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		events, err := eventsOf(request.Header, body)
		if err != nil {
			response.WriteHeader(http.StatusInternalServerError)
			return
		}
		for _, each := range events {
			if remembered.isNew(each.ID) {
				fmt.Println("accepted", each.ID, each.Type, string(each.Data))
			}
		}
		response.WriteHeader(http.StatusNoContent)
	}
}

func keyOf(variable, prefix string) []byte {
	text, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv(variable), prefix))
	if err != nil {
		log.Fatalf("%s is not %s and base64", variable, prefix)
	}
	return text
}

func main() {
	k := keys{secret: keyOf("WEBHOOK_SECRET", "whsec_"), publicKey: keyOf("WEBHOOK_PUBLIC_KEY", "whpk_")}
	if len(k.secret) == 0 && len(k.publicKey) == 0 {
		log.Fatal("set WEBHOOK_SECRET or WEBHOOK_PUBLIC_KEY")
	}
	port := os.Getenv("PORT")
	if port == "" {
		port = "9000"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s/\n", listener.Addr())
	log.Fatal(http.Serve(listener, receiver(k)))
}
