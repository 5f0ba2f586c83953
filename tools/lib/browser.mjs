import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import { bin, run } from './command.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const MAC_CHROME = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';

/**
 * Path of a Chromium to test with: CHROMIUM_PATH, an installed one, Playwright's own, else one is
 * installed (Playwright's download, then Debian's package when root).
 * @returns {Promise<string | undefined>} undefined when there is none and none could be installed
 */
export async function findBrowser() {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) {
      console.error(`CHROMIUM_PATH names ${named}, which does not exist`);
      return undefined;
    }
    return named;
  }
  return installedBrowser() ?? (await installBrowser());
}

function installedBrowser() {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  return [...candidates, MAC_CHROME, chromium.executablePath()].find((path) => existsSync(path));
}

async function installBrowser() {
  console.log('No Chromium found: trying to install one…');
  const download = await run(bin('playwright'), ['install', 'chromium'], {});
  if (download.code === 0 && existsSync(chromium.executablePath())) {
    return chromium.executablePath();
  }
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    await run('apt-get', ['update'], {});
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], {});
  }
  const found = installedBrowser();
  if (found === undefined) {
    console.error(
      'Could not install Chromium. Install Chromium or Chrome, or set CHROMIUM_PATH to its program, and run npm test again.',
    );
  }
  return found;
}
