import type { ErrorCode } from 'lmapp-kit'

export const engineNames = ['subprocess', 'ollama', 'openai-compatible', 'llama-server'] as const
export type EngineName = (typeof engineNames)[number]

export interface Expectation {
  fault: string
  /** Exit code of the command. */
  code: number
  state: 'complete' | 'failed' | 'incomplete'
  error?: ErrorCode
  /** What is printed and kept: nothing, what came before the fault, or the whole answer. */
  text: 'nothing' | 'begun' | 'whole'
  /**
   * Who answers the next request, when the engine works again: the same one, or the next candidate, without that it is
   * asked, because its breaker is open.
   */
  next: 'same' | 'spare'
  /** How often it is asked for an answer by the first request. */
  asked?: number
}

/** Where an engine legitimately differs. */
export interface Exception extends Partial<Expectation> {
  engine: EngineName
  because: string
}

export type Fault = keyof typeof faults

/** What becomes of a request, whatever engine fails in this way. */
export const faults = {
  refused: {
    fault: 'nobody listens there',
    ...{ code: 3, state: 'failed', error: 'backend-unreachable', text: 'nothing', next: 'spare', asked: 0 },
    except: [
      {
        engine: 'subprocess',
        because:
          'lmapp starts it, so that it cannot refuse: its program ends at once; one failure of its own is forgiven',
        ...{ code: 5, error: 'backend-start-failed', next: 'same' },
      },
    ],
  },
  hang: {
    fault: 'headers that never come',
    ...{ code: 8, state: 'failed', error: 'stalled', text: 'nothing', next: 'spare', asked: 1 },
  },
  '500': {
    fault: 'an error at once',
    ...{ code: 5, state: 'failed', error: 'engine-failed', text: 'nothing', next: 'same', asked: 2 },
  },
  'drop-first': {
    fault: 'a connection that breaks before the first token',
    ...{ code: 5, state: 'failed', error: 'engine-failed', text: 'nothing', next: 'same', asked: 2 },
  },
  'drop-later': {
    fault: 'a connection that breaks in mid-answer',
    ...{ code: 7, state: 'incomplete', error: 'engine-died', text: 'begun', next: 'same', asked: 1 },
  },
  'clean-end': {
    fault: 'a clean end without the marker',
    ...{ code: 7, state: 'incomplete', error: 'stream-incomplete', text: 'begun', next: 'same', asked: 1 },
  },
  'error-line': {
    fault: 'an error in mid-answer',
    ...{ code: 7, state: 'incomplete', error: 'stream-incomplete', text: 'begun', next: 'same', asked: 1 },
  },
  garbage: {
    fault: 'a line that is no message, in an answer that then finishes',
    ...{ code: 7, state: 'incomplete', error: 'stream-malformed', text: 'begun', next: 'same', asked: 1 },
  },
  stall: {
    fault: 'silence in mid-answer',
    ...{ code: 8, state: 'incomplete', error: 'stalled', text: 'begun', next: 'spare', asked: 1 },
  },
  'slow-load': {
    fault: 'a load that takes longer than any silence may',
    ...{ code: 0, state: 'complete', text: 'whole', next: 'same', asked: 1 },
  },
  'kill-engine': {
    fault: 'kill -9 of the engine in mid-answer',
    ...{ code: 7, state: 'incomplete', error: 'engine-died', text: 'begun', next: 'same', asked: 1 },
  },
  'kill-service': {
    fault: 'kill -9 of the service in mid-answer',
    ...{ code: 0, state: 'complete', text: 'whole', next: 'same' },
  },
  'stop-starting': {
    fault: '`lmapp backends stop` while it starts',
    ...{ code: 0, state: 'complete', text: 'whole', next: 'same' },
    except: [
      {
        engine: 'subprocess',
        because: 'lmapp started it, so that it stops; what somebody else started is left alone, and answers',
        ...{ code: 5, state: 'failed', error: 'backend-stopped', text: 'nothing' },
      },
    ],
  },
} as const satisfies Record<string, Expectation & { except?: readonly Exception[] }>

/** Exit code of `lmapp backends stop`: what somebody else started is not stopped. */
export const stopCodes: Record<EngineName, number> = {
  subprocess: 0,
  ollama: 2,
  'openai-compatible': 2,
  'llama-server': 2,
}

export function expect(engine: EngineName, fault: Fault): Expectation & { because?: string } {
  const { except = [], ...usual }: Expectation & { except?: readonly Exception[] } = faults[fault]
  const { engine: _engine, ...different } = except.find((exception) => exception.engine === engine) ?? {}
  return { ...usual, ...different }
}
