import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import stringWidth from 'string-width'
import { displayWidth, splitGraphemes } from './width.ts'

describe('the width of a character', () => {
  it('is that of string-width, which takes too long to load where a command starts', () => {
    const different: string[] = []
    for (const code of sampleOfUnicode()) {
      const character = String.fromCodePoint(code)
      if (stringWidth(character) !== displayWidth(character)) different.push(code.toString(16))
    }
    assert.deepEqual(different, [])
  })

  const joined = {
    'an emoji of several people': '👨‍👩‍👧‍👦',
    'one without its variation selector': '❤‍🔥',
    'a skin': '👍🏽',
    'a flag': '🇩🇪',
    'half of a flag': '🇩',
    'the flag of England': '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
    'a keycap': '1️⃣',
    'a keycap without its selector': '1⃣',
    'a sign as emoji': '⚠️',
    'an emoji as sign': '⌚\ufe0e',
    'accents on each other': 'a\u0300\u0301',
    Devanagari: 'नमस्ते',
    'a conjunct': 'क्षि',
    Tamil: 'வணக்கம்',
    Thai: 'สวัสดีกำ',
    'a Hangul block of parts': '\u1112\u1161\u11ab',
    'a Hangul block with a part below': '가\u11a8',
    'half width kana with a mark': 'ﾊﾞ',
    'a number sign of Arabic': '\u0600123',
    'mathematical letters': '𝒳𝟙',
    'a character beyond the first plane': '𠮷野家',
    'full width Latin': 'ＡＢ',
  }
  for (const [name, text] of Object.entries(joined)) {
    it(`is right for ${name}`, () => assert.equal(displayWidth(text), stringWidth(text)))
  }

  it('is asked of whole characters', () => {
    assert.deepEqual([...splitGraphemes('a👩‍💻e\u0301日')], ['a', '👩‍💻', 'e\u0301', '日'])
    assert.deepEqual([...splitGraphemes('日本')], ['日', '本'])
  })
})

/** All of what is common and of what is odd, and some of the rest. */
function* sampleOfUnicode(): Generator<number> {
  for (let code = 0x20; code < 0x3400; code++) yield code
  for (let code = 0x3400; code < 0xd800; code += 97) yield code
  for (let code = 0xe000; code <= 0xffff; code += code < 0xf900 ? 97 : 1) yield code
  for (let code = 0x10000; code < 0x1f000; code += 13) yield code
  for (let code = 0x1f000; code < 0x1fc00; code++) yield code
  for (let code = 0x20000; code <= 0x10ffff; code += 4099) yield code
}
