import { base64 } from '../parse/content.ts'
import { badField } from '../parse/fields.ts'
import { unsupportedField } from '../parse/left-out.ts'

export interface DataUrl {
  mediaType: string
  /** Base64. */
  data: string
}

/** What is given inline. Nothing is fetched: addresses are refused by name. */
export function parseDataUrl(url: string, place: string): DataUrl {
  if (/^https?:/i.test(url.slice(0, 6))) {
    throw unsupportedField(place, 'nothing is fetched, so what is meant must be sent inline, as a data: URL')
  }
  const comma = url.indexOf(',')
  const head = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+=-]+)*;base64$/i.exec(comma < 0 ? '' : url.slice(0, comma))
  if (!head?.[1]) throw badField(place, 'a data: URL in base64')
  return { mediaType: head[1].toLowerCase(), data: base64(url.slice(comma + 1), place) }
}
