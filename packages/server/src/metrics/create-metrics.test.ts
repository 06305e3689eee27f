import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createMetrics } from './create-metrics.ts'

it('tells in the format of Prometheus what was done, and how the backends are', async () => {
  const box = { backend: 'box', slots: 2, active: 1, waiting: 3, breaker: 'open' as const }
  const { observer, request, text } = createMetrics(() => [box])
  request('openai', '/v1/chat/completions', 200)
  request('openai', '/v1/chat/completions', 200)
  observer.refused?.({ backend: 'box', model: 'tiny' })
  const attempt = { backend: 'box', model: 'tiny', ms: 4 }
  observer.attemptEnded?.({ ...attempt, outcome: 'failed', code: 'stalled' })
  observer.attemptEnded?.({ ...attempt, outcome: 'finished' })
  const ended = { backend: 'box', model: 'tiny', state: 'complete' as const, client: 'editor', totalMs: 2000 }
  observer.ended?.({ ...ended, usage: { inputTokens: 7, outputTokens: 5 }, firstTokenMs: 30 })
  observer.ended?.({ ...ended, usage: {}, totalMs: 10 })
  const { type, text: exposed } = await text()
  assert.match(type, /^text\/plain; version=0\.0\.4/)
  for (const line of [
    'lmapp_requests_total{dialect="openai",route="/v1/chat/completions",status="200"} 2',
    'lmapp_refused_total{backend="box",model="tiny"} 1',
    'lmapp_attempts_failed_total{backend="box",model="tiny",code="stalled"} 1',
    'lmapp_runs_total{backend="box",model="tiny",state="complete"} 2',
    'lmapp_tokens_total{backend="box",model="tiny",kind="input"} 7',
    'lmapp_tokens_total{backend="box",model="tiny",kind="output"} 5',
    'lmapp_first_token_seconds_bucket{le="0.05",backend="box",model="tiny"} 1',
    'lmapp_first_token_seconds_count{backend="box",model="tiny"} 1',
    'lmapp_run_seconds_sum{backend="box",model="tiny"} 2.01',
    'lmapp_backend_slots{backend="box"} 2',
    'lmapp_backend_active{backend="box"} 1',
    'lmapp_backend_waiting{backend="box"} 3',
    'lmapp_backend_breaker{backend="box",state="open"} 1',
    'lmapp_backend_breaker{backend="box",state="closed"} 0',
  ]) {
    assert.ok(exposed.split('\n').includes(line), `${line}\n${exposed}`)
  }
  assert.ok(!exposed.includes('editor'), 'who asks is nobody’s business')
})

it('names no model that only a request knew, and no more than can be read', async () => {
  const { observer, text } = createMetrics(() => [])
  const ended = { state: 'failed' as const, client: 'editor', usage: {}, totalMs: 1 }
  observer.ended?.({ ...ended, backend: 'box', model: 'tiny', code: 'engine-died' })
  observer.ended?.({ ...ended, backend: 'box', model: 'tiny', code: 'model-not-found' })
  observer.ended?.({ ...ended, backend: 'my-password', model: '', code: 'model-not-found' })
  observer.attemptEnded?.({ backend: 'box', model: 'my-password', ms: 1, outcome: 'failed', code: 'model-not-found' })
  observer.ended?.({ ...ended, backend: 'box', model: 'x'.repeat(1_000_000) })
  for (let at = 0; at < 2_000; at += 1) observer.ended?.({ ...ended, backend: 'box', model: `made-up-${at}` })
  const { text: exposed } = await text()
  const lines = exposed.split('\n')
  assert.ok(lines.includes('lmapp_runs_total{backend="box",model="tiny",state="failed"} 2'), exposed.slice(0, 2_000))
  assert.ok(lines.includes('lmapp_runs_total{backend="unknown",model="unknown",state="failed"} 1503'))
  assert.ok(lines.includes('lmapp_attempts_failed_total{backend="unknown",model="unknown",code="model-not-found"} 1'))
  assert.doesNotMatch(exposed, /my-password|xxx/)
})
