/** One word of a search: a `word` is found by its beginning, a `passage` wherever it stands. */
export interface Term {
  kind: 'word' | 'passage'
  text: string
}

/** Scripts that put no space between words; of Korean, whose words carry endings, any part is found too. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]/u
const onlyWordCharacters = /^[\p{L}\p{N}\p{M}]+$/u
/** What belongs to the sentence around a word, not to the word. */
const punctuation =
  /^[\s.,;:!?"'()[\]{}“”‘’«»…。、，！？；：「」『』（）]+|[\s.,;:!?"'()[\]{}“”‘’«»…。、，！？；：「」『』（）]+$/gu

export function parseQuery(query: string): Term[] {
  return query
    .replaceAll('\0', ' ')
    .split(/\s+/u)
    .map((word) => word.replaceAll(punctuation, '') || word)
    .filter((word) => word !== '')
    .map((word) => ({ kind: onlyWordCharacters.test(word) && !unspaced.test(word) ? 'word' : 'passage', text: word }))
}

/** An SQL condition on `messages` that all terms meet, with its values. */
export interface Condition {
  sql: string
  values: string[]
}

const trigramLength = 3

export function toCondition(terms: readonly Term[]): Condition {
  const words = terms.filter((term) => term.kind === 'word').map((term) => `${quote(term.text)}*`)
  const passages = terms.filter((term) => term.kind === 'passage').map((term) => term.text)
  const long = passages.filter((passage) => [...passage].length >= trigramLength).map(quote)
  const short = passages.filter((passage) => [...passage].length < trigramLength)
  const conditions = [
    ...match('search_words', words),
    ...match('search_trigrams', long),
    ...short.map((passage) => ({ sql: `messages.text LIKE ? ESCAPE '\\'`, values: [`%${escapeLike(passage)}%`] })),
  ]
  return {
    sql: conditions.map((condition) => condition.sql).join(' AND '),
    values: conditions.flatMap((condition) => condition.values),
  }
}

function match(index: string, phrases: string[]): Condition[] {
  if (phrases.length === 0) return []
  return [
    { sql: `messages.seq IN (SELECT rowid FROM ${index} WHERE ${index} MATCH ?)`, values: [phrases.join(' AND ')] },
  ]
}

/** As a string of FTS5: nothing in it is syntax. */
function quote(phrase: string): string {
  return `"${phrase.replaceAll('"', '""')}"`
}

function escapeLike(passage: string): string {
  return passage.replaceAll(/[\\%_]/g, '\\$&')
}
