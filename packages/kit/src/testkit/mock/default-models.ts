import type { MockScript } from './mock-script.ts'

const story =
  'Once there was a lighthouse on a rock, and in it lived an old keeper and her cat. ' +
  'Every evening she climbed the hundred and twelve steps, trimmed the lamp and wrote the weather into a book. ' +
  'One night the fog came so thick that the light ended an arm’s length from the glass, and a ship was calling. ' +
  'So she rang the bell, all night, and the cat sat on the book and kept the page. ' +
  'In the morning the ship lay safe in the bay, and its captain came up the hundred and twelve steps with a fish. 🐟\n\n'

const pacedFault = { reply: story, paceMs: 20 }

/** The models of a mock that nobody scripted: two that work, and one for each thing worth trying by hand. */
export const defaultMockModels: Readonly<Record<string, MockScript>> = {
  echo: {},
  story: { reply: story, repeatTokens: 1000, paceMs: 20 },
  thinker: { reasoningText: 'The question is simple, so the answer may be too. ', paceMs: 20 },
  eyes: { seesImages: true },
  tools: { toolCall: { name: 'get_weather', arguments: { city: 'Paris' } } },
  embedder: { embedDimensions: 64 },
  'slow-load': { load: { steps: 20, stepMs: 250 } },
  'slow-prompt': { promptMs: 4000 },
  'one-at-a-time': { reply: story, paceMs: 50, parallel: 1 },
  'tiny-context': { contextLength: 64 },
  'no-continue': { ...pacedFault, continue: false },
  'to-pull': { installed: false },
  'load-fails': { load: { steps: 4, stepMs: 250, fail: true } },
  empty: { reply: '' },
  drop: { ...pacedFault, fault: { kind: 'drop', afterTokens: 12 } },
  'clean-end': { ...pacedFault, fault: { kind: 'clean-end', afterTokens: 12 } },
  error: { ...pacedFault, fault: { kind: 'error', afterTokens: 12 } },
  malformed: { ...pacedFault, fault: { kind: 'malformed', afterTokens: 12 } },
  stall: { ...pacedFault, fault: { kind: 'stall', afterTokens: 12 } },
  hang: { fault: { kind: 'hang' } },
  refuse: { fault: { kind: 'refuse' } },
  'fail-at-once': { fault: { kind: 'fail-at-once' } },
}
