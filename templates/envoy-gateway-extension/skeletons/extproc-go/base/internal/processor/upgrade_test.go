package processor

import (
	"context"
	"strconv"
	"testing"

	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"

	"ext-proc-server/internal/exchange"
)

// upgradeTeller says in headers what it was told of an upgrade.
type upgradeTeller struct{ fake }

func (upgradeTeller) OnRequestHeaders(_ context.Context, x *exchange.Exchange) error {
	x.Request.Set("x-upgrade", x.Upgrade)
	x.Request.Set("x-has-body", strconv.FormatBool(x.HasRequestBody))
	return nil
}

// A WebSocket has no end: the logic must not wait for its body, nor Envoy.
func TestAnUpgradePassesUnseen(t *testing.T) {
	for _, tt := range []struct{ pairs, told string }{
		{"websocket", "x-upgrade=websocket x-has-body=false"},
		{"WebSocket", "x-upgrade=websocket x-has-body=false"},
	} {
		for _, mode := range []filterv3.ProcessingMode_BodySendMode{buffered, partial, duplex} {
			e := openWith(t, upgradeTeller{}, true, mode)
			e.sendHeaders(false, ":method", "GET", "connection", "keep-alive, Upgrade", "upgrade", tt.pairs, "x-want-body", "upper")
			reply := e.receive()
			expect(t, tt.pairs, text(reply.GetRequestHeaders().GetResponse().GetHeaderMutation()), tt.told)
			if mode == duplex {
				e.sendBody("frame", false)
				body, end := e.streamed(5)
				expect(t, "frame", body, "frame")
				expect(t, "end", end, false)
			} else {
				expect(t, "request mode", reply.GetModeOverride().GetRequestBodyMode(), none)
				expect(t, "response mode", reply.GetModeOverride().GetResponseBodyMode(), mode)
			}

			e.request = false
			e.sendHeaders(false, ":status", "101", "x-want-body", "upper")
			if reply := e.receive(); mode != duplex {
				expect(t, "request mode", reply.GetModeOverride().GetRequestBodyMode(), none)
				expect(t, "response mode", reply.GetModeOverride().GetResponseBodyMode(), none)
			}
		}
	}
}

func TestAnUpgradeThatTheUpstreamIgnores(t *testing.T) {
	e := openWith(t, upgradeTeller{}, true, buffered)
	e.sendHeaders(false, ":method", "GET", "connection", "upgrade", "upgrade", "websocket")
	e.receive()
	e.request = false
	e.sendHeaders(false, ":status", "200", "x-want-body", "upper")
	expect(t, "held", e.receive().GetModeOverride(), nil)
	e.sendBody("body", true)
	expect(t, "body", string(e.body().GetBodyMutation().GetBody()), "BODY!")
}

func TestATunnelIsAnUpgrade(t *testing.T) {
	e := openWith(t, upgradeTeller{}, true, buffered)
	e.sendHeaders(false, ":method", "CONNECT", "x-want-body", "upper")
	expect(t, "told", e.headers(), "x-upgrade=connect x-has-body=false")
	e.request = false
	e.sendHeaders(false, ":status", "200", "x-want-body", "upper")
	expect(t, "response mode", e.receive().GetModeOverride().GetResponseBodyMode(), none)
}

// Only both headers together ask for an upgrade (RFC 9110, section 7.8).
func TestNoUpgrade(t *testing.T) {
	for _, pairs := range [][]string{
		{"upgrade", "websocket"},
		{"connection", "upgrade"},
		{"connection", "upgrades, x-upgrade", "upgrade", "websocket"},
	} {
		e := openWith(t, upgradeTeller{}, true, buffered)
		e.sendHeaders(false, append([]string{":method", "POST", "x-want-body", "upper"}, pairs...)...)
		expect(t, "told", e.headers(), "x-upgrade= x-has-body=true")
		e.sendBody("body", true)
		expect(t, "body", string(e.body().GetBodyMutation().GetBody()), "BODY!")
	}
}

// Envoy holds a body to its end unless it is told that nobody looks at it.
func TestBodiesThatNobodyLooksAtAreNotHeld(t *testing.T) {
	bothDirections(t, func(t *testing.T, request bool) {
		for _, mode := range []filterv3.ProcessingMode_BodySendMode{buffered, partial} {
			e := openWith(t, newFull(), request, mode)
			e.sendHeaders(false, ":path", "/")
			override := e.receive().GetModeOverride()
			want, other := override.GetRequestBodyMode(), override.GetResponseBodyMode()
			if !request {
				want, other = other, want
			}
			expect(t, "this direction", want, none)
			expect(t, "the other", other, mode)
			e.sendBody("body", true) // without allowModeOverride, Envoy goes on as before
			expect(t, "body", e.body().GetBodyMutation(), nil)
			e.closes()
		}
		for _, tt := range []struct {
			mode        filterv3.ProcessingMode_BodySendMode
			endOfStream bool
			wants       string
		}{{buffered, true, "none"}, {buffered, false, "x-want-body"}, {buffered, false, "x-stream"}, {duplex, false, "none"}, {none, false, "none"}} {
			e := openWith(t, newFull(), request, tt.mode)
			e.sendHeaders(tt.endOfStream, tt.wants, "look")
			expect(t, tt.wants, e.receive().GetModeOverride(), nil)
		}
	})
}

// upgradeRefuser lets only upgrades pass that it can do without.
type upgradeRefuser struct{ fake }

func (upgradeRefuser) RefusesUpgrade(x *exchange.Exchange) bool { return x.Request.Has("x-secret") }

func TestAnUpgradeIsRefusedWhereNothingMayPassUnseen(t *testing.T) {
	for _, mode := range []filterv3.ProcessingMode_BodySendMode{buffered, duplex} {
		e := openWith(t, upgradeRefuser{}, true, mode)
		e.sendHeaders(false, "connection", "upgrade", "upgrade", "websocket", "x-secret", "yes")
		expect(t, "refused", int(e.receive().GetImmediateResponse().GetStatus().GetCode()), 403)
		e = openWith(t, upgradeRefuser{}, true, mode)
		e.sendHeaders(false, "connection", "upgrade", "upgrade", "websocket")
		expect(t, "passes", e.headers(), "x-seen=headers")
		e = openWith(t, upgradeRefuser{}, true, mode)
		e.sendHeaders(true, "x-secret", "yes")
		expect(t, "no upgrade", e.headers(), "x-seen=headers")
	}
}

func TestUpgradeRefused(t *testing.T) {
	r := exchange.UpgradeRefused()
	expect(t, "status", r.Status, 403)
	expect(t, "type", r.Headers.Get("content-type"), "application/problem+json")
}
