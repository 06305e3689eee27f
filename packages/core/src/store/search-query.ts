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

/** Where to look for what meets all terms. */
export interface Source {
  /** Tables to join, the one that is read first with the column `seq` of what is searched. */
  from: string
  seq: string
  condition: string
  values: string[]
}

export interface Searched {
  /** With the columns `seq` and `text`. */
  table: 'messages' | 'conversations'
  text: string
  words: string
  trigrams: string
}

const trigramLength = 3

/**
 * An index is read first, in the order of its rows, the newest first: so the query ends with its limit, and does not
 * collect all that is found before.
 */
export function toSource(terms: readonly Term[], { table, text, words, trigrams }: Searched): Source {
  const typed = terms.filter((term) => term.kind === 'word').map((term) => `${quote(term.text)}*`)
  const passages = terms.filter((term) => term.kind === 'passage').map((term) => term.text)
  const long = passages.filter((passage) => [...passage].length >= trigramLength).map(quote)
  const short = passages.filter((passage) => [...passage].length < trigramLength)
  const indexed = [
    { index: words, phrases: typed },
    { index: trigrams, phrases: long },
  ].filter(({ phrases }) => phrases.length > 0)
  const [first] = indexed
  const conditions = indexed.map(({ index }) =>
    index === first?.index ? `${index} MATCH ?` : `${table}.seq IN (SELECT rowid FROM ${index} WHERE ${index} MATCH ?)`,
  )
  return {
    from: first ? `${first.index} CROSS JOIN ${table} ON ${table}.seq = ${first.index}.rowid` : table,
    seq: first ? `${first.index}.rowid` : `${table}.seq`,
    condition: [...conditions, ...short.map(() => `${table}.${text} LIKE ? ESCAPE '\\'`)].join(' AND '),
    values: [
      ...indexed.map(({ phrases }) => phrases.join(' AND ')),
      ...short.map((passage) => `%${escapeLike(passage)}%`),
    ],
  }
}

/** As a string of FTS5: nothing in it is syntax. */
function quote(phrase: string): string {
  return `"${phrase.replaceAll('"', '""')}"`
}

function escapeLike(passage: string): string {
  return passage.replaceAll(/[\\%_]/g, '\\$&')
}
