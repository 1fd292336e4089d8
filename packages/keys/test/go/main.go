// Opens, writes and checks key files with the library that cosign and go-tuf use for theirs.
//
//	open FILE PASSPHRASE MESSAGE    prints the public half and a signature, as JSON
//	write KIND PASSPHRASE MESSAGE   prints a new key file and a signature, as JSON
//	verify PUBLIC MESSAGE SIGNATURE exits with 0 when the signature is good
//
// What happens to the bytes is what cosign's LoadPrivateKey and marshalKeyPair do: pem.Decode, encrypted.Decrypt,
// x509.ParsePKCS8PrivateKey, and the way back.
package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

type answer struct {
	File      string `json:"file,omitempty"`
	Public    string `json:"public"`
	Signature string `json:"signature"`
}

func main() {
	if len(os.Args) != 5 {
		fail(errors.New("want a command and three arguments"))
	}
	switch a := os.Args[2:]; os.Args[1] {
	case "open":
		file, err := os.ReadFile(a[0])
		check(err)
		reply("", open(file, a[1]), a[2])
	case "write":
		key := generate(a[0])
		reply(write(a[0], key, a[1]), key, a[2])
	case "verify":
		block, _ := pem.Decode([]byte(a[0]))
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		check(err)
		signature, err := base64.StdEncoding.DecodeString(a[2])
		check(err)
		verify(public, []byte(a[1]), signature)
	default:
		fail(errors.New("unknown command"))
	}
}

func open(file []byte, passphrase string) crypto.Signer {
	block, _ := pem.Decode(file)
	if block == nil {
		fail(errors.New("no PEM"))
	}
	if block.Type != "ENCRYPTED SIGSTORE PRIVATE KEY" && block.Type != "ENCRYPTED COSIGN PRIVATE KEY" {
		fail(fmt.Errorf("type %q", block.Type))
	}
	der, err := encrypted.Decrypt(block.Bytes, []byte(passphrase))
	check(err)
	key, err := x509.ParsePKCS8PrivateKey(der)
	check(err)
	return key.(crypto.Signer)
}

func generate(kind string) crypto.Signer {
	switch kind {
	case "ecdsa-p256", "cosign-legacy":
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(err)
		return key
	case "rsa":
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		check(err)
		return key
	default: // ed25519, go-tuf
		_, key, err := ed25519.GenerateKey(rand.Reader)
		check(err)
		return key
	}
}

func write(kind string, key crypto.Signer, passphrase string) string {
	if kind == "go-tuf" {
		return writeGoTuf(key.(ed25519.PrivateKey), passphrase)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	blockType, strength := "ENCRYPTED SIGSTORE PRIVATE KEY", encrypted.Standard
	switch kind {
	case "cosign-legacy":
		blockType, strength = "ENCRYPTED COSIGN PRIVATE KEY", encrypted.Legacy
	case "rsa":
		strength = encrypted.OWASP
	}
	box, err := encrypted.EncryptWithCustomKDFParameters(der, []byte(passphrase), strength)
	check(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: box}))
}

// As go-tuf's local_store.go: persistedKeys over a list of data.PrivateKey.
func writeGoTuf(key ed25519.PrivateKey, passphrase string) string {
	public := hex.EncodeToString(key.Public().(ed25519.PublicKey))
	keys := []any{map[string]any{
		"keytype": "ed25519", "scheme": "ed25519", "keyid_hash_algorithms": []string{"sha256", "sha512"},
		"keyval": map[string]string{"public": public, "private": hex.EncodeToString(key)},
	}}
	box, err := encrypted.Marshal(keys, []byte(passphrase))
	check(err)
	file, err := json.MarshalIndent(map[string]any{"encrypted": true, "data": json.RawMessage(box)}, "", "\t")
	check(err)
	return string(file) + "\n"
}

func reply(file string, key crypto.Signer, message string) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	check(err)
	public := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	var signature []byte
	digest := sha256.Sum256([]byte(message))
	switch key := key.(type) {
	case ed25519.PrivateKey:
		signature = ed25519.Sign(key, []byte(message))
	case *rsa.PrivateKey:
		signature, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, digest[:], &rsa.PSSOptions{})
	default:
		signature, err = key.Sign(rand.Reader, digest[:], crypto.SHA256)
	}
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(answer{file, public, base64.StdEncoding.EncodeToString(signature)}))
}

func verify(public any, message, signature []byte) {
	digest := sha256.Sum256(message)
	good := false
	switch key := public.(type) {
	case ed25519.PublicKey:
		good = ed25519.Verify(key, message, signature)
	case *ecdsa.PublicKey:
		good = ecdsa.VerifyASN1(key, digest[:], signature)
	case *rsa.PublicKey:
		good = rsa.VerifyPSS(key, crypto.SHA256, digest[:], signature, nil) == nil
	}
	if !good {
		fail(errors.New("bad signature"))
	}
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
