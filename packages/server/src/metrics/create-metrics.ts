import type { BackendGauge, RunObserver } from '@lmapp/core/runs'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { createModelLabels } from './model-labels.ts'

/** What the service has done since it began, as Prometheus reads it. */
export interface Metrics {
  /** Told of runs. */
  readonly observer: RunObserver
  /** Told of each request that was answered. `route`: its pattern, never what stood in it. */
  request(dialect: string, route: string, status: number): void
  /** The exposition format. */
  text(): Promise<{ type: string; text: string }>
}

/** Seconds. From an answer that was ready to a model that had to be loaded. */
const waits = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

const breakerStates = ['closed', 'half-open', 'open'] as const

/** `gauges`: how the backends are at this moment. */
export function createMetrics(gauges: () => readonly BackendGauge[]): Metrics {
  const registers = [new Registry()] as const
  const [registry] = registers
  const requests = new Counter({
    name: 'lmapp_requests_total',
    help: 'Requests that were answered.',
    labelNames: ['dialect', 'route', 'status'],
    registers: [...registers],
  })
  createBackendGauges(registry, gauges)
  return {
    observer: createObserver(registry),
    request(dialect, route, status) {
      requests.inc({ dialect, route, status })
    },
    async text() {
      return { type: registry.contentType, text: await registry.metrics() }
    },
  }
}

function createObserver(registry: Registry): RunObserver {
  const registers = [registry]
  const of = ['backend', 'model']
  const runs = new Counter({
    name: 'lmapp_runs_total',
    help: 'Answers that ended, by how they did.',
    labelNames: [...of, 'state'],
    registers,
  })
  const tokens = new Counter({
    name: 'lmapp_tokens_total',
    help: 'Tokens as the engines counted them; `cached` ones are among those of the input.',
    labelNames: [...of, 'kind'],
    registers,
  })
  const firstToken = new Histogram({
    name: 'lmapp_first_token_seconds',
    help: 'From the request to the first word of its answer, waiting included.',
    labelNames: of,
    buckets: waits,
    registers,
  })
  const duration = new Histogram({
    name: 'lmapp_run_seconds',
    help: 'From the request to the end of its answer.',
    labelNames: of,
    buckets: waits,
    registers,
  })
  const refused = new Counter({
    name: 'lmapp_refused_total',
    help: 'Times that a backend was not asked because too many waited for it.',
    labelNames: of,
    registers,
  })
  const failures = new Counter({
    name: 'lmapp_attempts_failed_total',
    help: 'Attempts that failed, by the code of the error; another backend may have answered after it.',
    labelNames: [...of, 'code'],
    registers,
  })
  const toLabels = createModelLabels()
  return {
    refused: (asked) => refused.inc(toLabels(asked)),
    attemptEnded({ outcome, code = 'internal', ...asked }) {
      if (outcome === 'failed') failures.inc({ ...toLabels(asked, code), code })
    },
    ended({ state, code, usage, totalMs, firstTokenMs, ...asked }) {
      const labels = toLabels(asked, code)
      runs.inc({ ...labels, state })
      const kinds = { input: usage.inputTokens, output: usage.outputTokens, cached: usage.cachedTokens }
      for (const [kind, count] of Object.entries(kinds)) if (count) tokens.inc({ ...labels, kind }, count)
      duration.observe(labels, totalMs / 1000)
      if (firstTokenMs !== undefined) firstToken.observe(labels, firstTokenMs / 1000)
    },
  }
}

/** Read when somebody asks. */
function createBackendGauges(registry: Registry, gauges: () => readonly BackendGauge[]): void {
  const create = (name: string, help: string, value: (gauge: BackendGauge) => number) => {
    const gauge = new Gauge({
      name,
      help,
      labelNames: ['backend'],
      registers: [registry],
      collect() {
        this.reset()
        for (const each of gauges()) this.set({ backend: each.backend }, value(each))
      },
    })
    return gauge
  }
  create('lmapp_backend_slots', 'Answers that a backend may write at a time.', ({ slots }) => slots)
  create('lmapp_backend_active', 'Answers that it writes now.', ({ active }) => active)
  create('lmapp_backend_waiting', 'Requests that wait for it.', ({ waiting }) => waiting)
  const breaker = new Gauge({
    name: 'lmapp_backend_breaker',
    help: '1 for the state in which its circuit breaker is.',
    labelNames: ['backend', 'state'],
    registers: [registry],
    collect() {
      breaker.reset()
      for (const { backend, breaker: now } of gauges()) {
        for (const state of breakerStates) breaker.set({ backend, state }, Number(state === now))
      }
    },
  })
}
