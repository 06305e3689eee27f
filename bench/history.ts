import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createId, loadSqlite, openStore, type Store } from '../packages/core/src/store/index.ts'
import { type Figures, ms, toFigures } from './measure.ts'

export interface HistoryOptions {
  /** A folder of the caller's; a history of some hundred megabytes is made in it. */
  folder: string
  row: (what: string, measured: string, floor: string, goal: string, met: boolean) => void
  /** Default: 10,000 with 10 messages each. */
  conversations?: number
}

const owner = 'owner'
const messagesEach = 10
const batch = 100
const warmUps = 5
const rounds = 60

/** Search and list through the store as the service has it, worker and cloning included, beside the bare query. */
export async function measureHistory({ folder, row, conversations = 10_000 }: HistoryOptions): Promise<void> {
  const path = join(folder, 'history', 'history.sqlite')
  mkdirSync(join(folder, 'history'), { recursive: true })
  await using store = await openStore({ path })
  const write = createWriter()
  const startedAt = performance.now()
  for (let done = 0; done < conversations; done += batch) await store.importConversations(write.some(batch), owner)
  const messages = conversations * messagesEach
  const perSecond = messages / ((performance.now() - startedAt) / 1000)
  row('messages imported and indexed', `${Math.round(perSecond)} a second`, '–', '–', true)

  const { DatabaseSync } = loadSqlite()
  using bare = new DatabaseSync(path, { readOnly: true })
  const find = bare.prepare(
    `SELECT messages.* FROM search_words CROSS JOIN messages ON messages.seq = search_words.rowid
     WHERE search_words MATCH ? ORDER BY search_words.rowid DESC LIMIT 20`,
  )
  const findPassage = bare.prepare(
    `SELECT messages.* FROM search_trigrams CROSS JOIN messages ON messages.seq = search_trigrams.rowid
     WHERE search_trigrams MATCH ? ORDER BY search_trigrams.rowid DESC LIMIT 20`,
  )
  const { common, second, rare } = write
  const queries: [kind: string, query: string, match: string][] = [
    ['a common word', common, `"${common}"*`],
    ['a rare word', rare, `"${rare}"*`],
    ['the beginning of many words', common.slice(0, 2), `"${common.slice(0, 2)}"*`],
    ['two common words', `${common} ${second}`, `"${common}"* AND "${second}"*`],
    ['a word that is nowhere', 'zzzzzzz', '"zzzzzzz"*'],
  ]
  for (const [kind, query, match] of queries) {
    const [own, floor] = await compare(
      () => store.search(query, { owner }),
      () => find.all(match),
    )
    row(`search in ${messages} messages: ${kind}`, told(own), `bare query ${told(floor)}`, '≤ 20 ms', own.p50 <= 20)
  }
  for (const [kind, query, trigrams] of passages) {
    const [own, floor] = await compare(
      () => store.search(query, { owner }),
      () => findPassage.all(`"${trigrams}"`),
    )
    row(`search in ${messages} messages: ${kind}`, told(own), `bare query ${told(floor)}`, '≤ 20 ms', own.p50 <= 20)
  }
  await measureLists(store, { bare, conversations, row })
}

/** What stands in every hundredth message besides made-up words. */
const aside = '东京的天气怎么样？ Is C++ faster?'
const passages: [kind: string, query: string, trigrams: string][] = [
  ['a Chinese phrase', '天气怎么', '天气怎么'],
  ['two Chinese characters', '天气', '的天气'],
  ['a word with signs', 'C++', 'C++'],
]

async function measureLists(
  store: Store,
  { bare, conversations, row }: Pick<HistoryOptions, 'row'> & { bare: Database; conversations: number },
): Promise<void> {
  const select = bare.prepare(
    `SELECT * FROM conversations WHERE owner = ? ORDER BY pinned DESC, touched DESC, updated_at DESC LIMIT ?`,
  )
  const measure = async (what: string, limit: number, before: () => Promise<void>) => {
    const [own, floor] = await compare(
      () => store.listConversations({ owner, limit }),
      () => select.all(owner, limit),
      before,
    )
    row(what, told(own), `bare query ${told(floor)}`, '≤ 10 ms', own.p50 <= 10)
  }
  const [first] = await store.listConversations({ owner, limit: 1 })
  const change = () => store.setPinned(first?.id ?? '', false, owner)
  await measure(`list of ${conversations} conversations`, conversations, async () => {})
  await measure(`list of ${conversations} conversations: a page of 200 after a change`, 200, change)
  await measure(`list of ${conversations} conversations: all of them after a change`, conversations, change)
}

type Database = InstanceType<ReturnType<typeof loadSqlite>['DatabaseSync']>

/** The two taking turns, warm. `before` is not counted. */
async function compare(
  own: () => Promise<unknown>,
  floor: () => unknown,
  before: () => Promise<void> = async () => {},
): Promise<[own: Figures, floor: Figures]> {
  const times: { own: number[]; floor: number[] } = { own: [], floor: [] }
  for (let n = -warmUps; n < rounds; n++) {
    await before()
    const startedAt = performance.now()
    await own()
    const betweenAt = performance.now()
    floor()
    if (n < 0) continue
    times.own.push(betweenAt - startedAt)
    times.floor.push(performance.now() - betweenAt)
  }
  return [toFigures(times.own), toFigures(times.floor)]
}

const told = ({ p50, p99 }: Figures) => `${ms(p50)}, p99 ${ms(p99)}`

/** Conversations of made-up words, some often, most seldom, as words are; the same in every run. */
function createWriter() {
  const random = createRandom()
  const vocabulary = Array.from({ length: 20_000 }, () => makeWord(random))
  /** The n-th word comes about 1/n as often as the first. */
  const word = () => vocabulary[Math.floor(vocabulary.length ** random()) - 1] ?? 'word'
  const makeText = (count: number) => Array.from({ length: count }, word).join(' ')
  let minutes = 0
  const next = () => new Date(Date.UTC(2020, 0, 1) + 60_000 * minutes++).toISOString()

  function writeOne() {
    const createdAt = next()
    let parentId: string | null = null
    const messages = Array.from({ length: messagesEach }, (_, index) => {
      const words = makeText(index % 2 === 0 ? 12 : 80)
      const text = minutes % 10 === 0 && index === 0 ? `${words} ${aside}` : words
      const message = { ...facts(index), id: createId(), parentId, text, parts: [{ type: 'text' as const, text }] }
      parentId = message.id
      return { ...message, createdAt }
    })
    const title = makeText(6)
    return {
      id: createId(),
      title,
      model: 'box/tiny',
      head: parentId,
      system: null,
      createdAt,
      updatedAt: createdAt,
      messages,
    }
  }
  return {
    some: (count: number) => Array.from({ length: count }, writeOne),
    common: vocabulary[0] ?? '',
    second: vocabulary[1] ?? '',
    rare: vocabulary.at(-1) ?? '',
  }
}

function facts(index: number) {
  const answer = index % 2 === 1
  return {
    role: answer ? ('assistant' as const) : ('user' as const),
    state: 'complete' as const,
    model: answer ? 'box/tiny' : null,
    reason: answer ? ('stop' as const) : null,
    error: null,
    usage: null,
    timings: null,
  }
}

function makeWord(random: () => number): string {
  const syllable = () => `${'bcdfghklmnprstvw'[Math.floor(16 * random())]}${'aeiou'[Math.floor(5 * random())]}`
  return Array.from({ length: 2 + Math.floor(3 * random()) }, syllable).join('')
}

/** A small generator of numbers from 0 up to 1 (mulberry32). */
function createRandom(): () => number {
  let state = 1
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
