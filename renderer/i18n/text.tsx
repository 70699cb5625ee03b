import IntlMessageFormat from 'intl-messageformat';
import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';
import { I18nProvider } from 'react-aria-components';
import { CATALOGUES, ENGLISH, type Catalogue, type Language, type MessageKey } from './catalogue.ts';
import { ENGLISH_FACTS, factSayer, type FactSayer, type FactWords } from './facts.ts';
import { sayReason, type Reasons, type Telling } from './reasons.ts';
import { sentenceSayer, type Sentences } from './sentences.ts';
import { exactTime } from './words.ts';

export type Values = Readonly<Record<string, string | number | Date>>;

/** Text from the catalogue, in the chosen language. */
export interface Text {
  (key: MessageKey, values?: Values): string;
  /** Like the function itself, for messages with elements: `<b>…</b>` in the message, `{ b: (parts) => <b>{parts}</b> }` here. */
  rich(key: MessageKey, values: Readonly<Record<string, string | number | Date | ReactNode | ((parts: ReactNode[]) => ReactNode)>>): ReactNode;
  /** Whether there is such a message: for keys that are made from the contract's names. */
  has(key: string): key is MessageKey;
  /** What failed, or its remedy, in this language; undefined where it is said in English alone. */
  said(telling: Telling, part: 'detail' | 'remedy'): string | undefined;
  /** A sentence of a verdict, a check or a finding in this language; undefined where it is said in English alone. */
  sentence(text: string): string | undefined;
  /** Names and values of facts that the core tells of files and certificates. */
  readonly fact: FactSayer;
  readonly language: Language;
}

export function makeText(language: Language, catalogue: Catalogue, reasons: Reasons = {}, sentences: Sentences = {}, facts: FactWords = ENGLISH_FACTS): Text {
  const formats = new Map<MessageKey, IntlMessageFormat>();
  const formatOf = (key: MessageKey): IntlMessageFormat => {
    const known = formats.get(key);
    if (known !== undefined) return known;
    const made = new IntlMessageFormat(catalogue[key], language);
    formats.set(key, made);
    return made;
  };
  const saySentence = sentenceSayer(sentences, (time) => exactTime(time, language));
  const text = (key: MessageKey, values?: Values): string => String(formatOf(key).format(values));
  return Object.assign(text, {
    rich: (key: MessageKey, values: object): ReactNode => {
      const parts: unknown = formatOf(key).format(values as never);
      return Array.isArray(parts) ? parts.map((part: ReactNode, index) => <span key={index}>{part}</span>) : (parts as ReactNode);
    },
    has: (key: string): key is MessageKey => key in ENGLISH,
    said: (telling: Telling, part: 'detail' | 'remedy') => (language === 'en' ? telling[part] : (sayReason(reasons, language, telling, part) ?? saySentence(telling[part] ?? ''))),
    sentence: (sentence: string) => (language === 'en' ? sentence : saySentence(sentence)),
    fact: factSayer(facts, (time) => exactTime(time, language)),
    language,
  });
}

const TextContext = createContext<Text>(makeText('en', ENGLISH));

export function useText(): Text {
  return useContext(TextContext);
}

/** Gives text in `language` to all within; keeps the language before until the new one is loaded. */
export function TextProvider({ language, children }: { language: Language; children: ReactNode }) {
  const [text, setText] = useState<Text | undefined>(() => (language === 'en' ? makeText('en', ENGLISH) : undefined));
  useEffect(() => {
    let current = true;
    void CATALOGUES[language]().then(({ messages, reasons, sentences, facts }) => {
      if (!current) return;
      document.documentElement.lang = language;
      setText(() => makeText(language, messages, reasons, sentences, facts));
    });
    return () => {
      current = false;
    };
  }, [language]);
  if (text === undefined) return null;
  return (
    <I18nProvider locale={text.language === 'en' ? 'en-GB' : text.language}>
      <TextContext value={text}>{children}</TextContext>
    </I18nProvider>
  );
}
