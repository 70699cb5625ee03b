import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DIST, platformNode } from '../../scripts/paths.ts';
import { PinLedger } from '../devices/pin-ledger.ts';
import { run } from '../devices/tools.ts';
import { pictureOf } from '../support/axe.ts';
import { environment } from '../support/electron.ts';
import { openssl } from '../support/openssl.ts';
import { person } from '../support/person.ts';
import { touchPrompt, typeSecret } from '../support/prompts.ts';
import { text } from '../support/texts.ts';
import { expect, test } from '../support/yubikey.ts';

const [PIN, KEY, MESSAGE] = ['123456', 'Release signing', 'what is released\n'];

test('a program signs over REST with a key in a token, when the person at the window lets it', async ({ program, yubikey, pcscd, folder }) => {
  const title = text('ask.token.sign', { name: KEY });
  const path = (name: string): string => join(folder, name);
  const cli = [join(DIST, 'keywright.js'), '--data-dir', path('data')];
  const keywright = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await run(platformNode(), [...cli, ...args], { environment: pcscd.environment });
    expect(status, stderr).toBe(0);
    return stdout;
  };
  for (const [name, content] of Object.entries({ pin: PIN, management: '010203040506070801020304050607080102030405060708', message: MESSAGE })) writeFileSync(path(name), content, { mode: 0o600 });
  const { ledger } = yubikey.card;

  await person(program).createsAStore();
  await yubikey.plugIn();
  await person(program).goesTo('tokens');
  await expect(program.page.getByRole('radio', { name: yubikey.name })).toBeVisible();
  PinLedger.typed(PIN);
  await keywright('keys', 'generate', '--backend', `yubikey-${yubikey.card.serial}`, '--algorithm', 'ec-p256', '--label', KEY, '--slot', '9c', '--pin-file', path('pin'), '--management-key-file', path('management'));
  writeFileSync(path('public.pem'), await keywright('keys', 'public', KEY, '--format', 'pem'));
  const { token } = JSON.parse(await keywright('access', 'grant', '--name', 'ci runner', '--scope', 'keys:use', '--json')) as { token: string };

  // An agent of its own, which finds the window's store open.
  const agent = spawn(platformNode(), [cli[0]!, 'serve', '--data-dir', path('data'), '--listen', '127.0.0.1:0'], { env: environment(pcscd.environment), stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => { agent.once('close', resolve); });
  try {
    const lines = createInterface({ input: agent.stdout });
    const origin = await new Promise<string>((resolve, reject) => {
      lines.on('line', (line) => { const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(line) ?? []; if (address !== undefined) resolve(address); });
      void ended.then(() => reject(new Error('The agent ended.')));
    });
    const sign = (signal?: AbortSignal) => fetch(`${origin}/v1/keys/${encodeURIComponent(KEY)}/sign`, {
      method: 'POST', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body: JSON.stringify({ algorithm: 'ecdsa-sha256', content: { message: Buffer.from(MESSAGE).toString('base64url') } }), ...(signal !== undefined && { signal }),
    });
    const accepted = ledger.count('pin', 'accepted');

    await test.step('the window asks, and says who wants it; refused, the program gets a typed error', async () => {
      const answer = sign();
      const asked = await touchPrompt(program, title);
      await expect(asked.getByText(text('prompt.askedBy', { who: 'ci runner' }))).toBeVisible();
      await pictureOf(program, asked, 'token-rest-prompt');
      await asked.getByRole('button', { name: text('common.cancel'), exact: true }).click().catch((error: unknown) => { if (!asked.isClosed()) throw error; });
      const refused = await answer;
      expect([refused.headers.get('content-type'), await refused.json()]).toMatchObject(['application/problem+json', { code: 'CANCELLED', status: refused.status }]);
      expect(refused.ok).toBe(false);
    });

    await test.step('a program that waits no longer takes its question with it', async () => {
      const gone = new AbortController();
      const answer = sign(gone.signal);
      const asked = await touchPrompt(program, title);
      gone.abort();
      await expect(answer).rejects.toThrow();
      await expect.poll(async () => asked.isClosed() || !(await asked.getByRole('form', { name: title }).isVisible().catch(() => false))).toBe(true);
      expect([ledger.count('pin', 'accepted') - accepted, ledger.count('pin', 'refused')]).toEqual([0, 0]);
    });

    await test.step('let, it signs, and openssl verifies', async () => {
      const answer = sign();
      await typeSecret(program, title, 'pin', PIN);
      const { signature } = (await (await answer).json()) as { signature: string };
      writeFileSync(path('signature'), Buffer.from(signature, 'base64url'));
      expect(openssl(['dgst', '-sha256', '-verify', path('public.pem'), '-signature', path('signature'), path('message')])).toContain('Verified OK');
      expect(ledger.count('pin', 'accepted') - accepted).toBe(1);
    });
  } finally {
    agent.kill();
    await ended;
  }
  expect([ledger.repeats, ledger.unentered]).toEqual([0, 0]);
});
