import type { ImageContent } from 'lmapp-kit'
import { base64 } from '../../parse/content.ts'
import { badField, type Parser, parser } from '../../parse/fields.ts'

/** How files of each type begin, in base64. */
const beginnings = [
  { begin: /^iVBORw0KGgo/, mediaType: 'image/png' },
  { begin: /^\/9j\//, mediaType: 'image/jpeg' },
  { begin: /^R0lGOD/, mediaType: 'image/gif' },
  { begin: /^UklGR.{7}RUJQ/, mediaType: 'image/webp' },
]

/** An image in base64, which does not say of what type it is. */
export const image: Parser<ImageContent> = parser(
  { ...base64.schema, description: 'A PNG, JPEG, GIF or WebP image.' },
  (value, place) => {
    const data = base64(value, place)
    const found = beginnings.find(({ begin }) => begin.test(data))
    if (!found) throw badField(place, 'a PNG, JPEG, GIF or WebP image in base64')
    return { type: 'image', mediaType: found.mediaType, data }
  },
)
