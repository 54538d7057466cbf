#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The page of effvk serve in a headless Chromium.

usage: test-serve-page.py [--pictures FOLDER]   the second makes the pictures of docs/images"""

import base64
import os
import shutil
import sys
import time

from effvktool import Failure, Folder, Skip, check, equal, run_tests
import servetool
from servetool import Serve

temporary = Folder('effvk-serve-page-')
SIZES = ((1440, 900), (390, 844))

CONTRAST = '''
const lin = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const lum = (c) => 0.2126 * lin (c[0]) + 0.7152 * lin (c[1]) + 0.0722 * lin (c[2]);
const parse = (text) => text.match (/[\\d.]+/g).map (Number);
const ground = (e) => {
  for (; e; e = e.parentElement) {
    const c = parse (getComputedStyle (e).backgroundColor);
    if (c.length < 4 || c[3] > 0.99) return c;
  }
  return [255, 255, 255];
};
const bad = [];
for (const e of document.querySelectorAll ('body *')) {
  const own = [...e.childNodes].some ((n) => n.nodeType === 3 && n.textContent.trim ());
  if (!own || !e.checkVisibility || !e.checkVisibility () || e.closest ('.skip, noscript, script, svg')) continue;
  const a = lum (parse (getComputedStyle (e).color)), b = lum (ground (e));
  const ratio = (Math.max (a, b) + 0.05) / (Math.min (a, b) + 0.05);
  if (ratio < 4.5) bad.push (`${e.tagName} "${e.textContent.trim ().slice (0, 30)}" ${ratio.toFixed (2)}`);
}
return bad;
'''

NAMES = '''
const bad = [];
for (const e of document.querySelectorAll ('input, select, button, a[href]')) {
  if (e.closest ('[aria-hidden=true]')) continue;
  const name = e.getAttribute ('aria-label') || e.textContent.trim () || (e.labels && [...e.labels].map ((l) => l.textContent.trim ()).join (''));
  if (!name) bad.push (e.outerHTML.slice (0, 100));
}
for (const e of document.querySelectorAll ('img')) if (!e.hasAttribute ('alt')) bad.push (e.outerHTML.slice (0, 100));
for (const e of document.querySelectorAll ('svg')) if (!e.getAttribute ('aria-label')) bad.push (e.outerHTML.slice (0, 100));
return bad;
'''


def until(find, what):
    """As servetool's; what the page has just replaced is looked for again."""
    def look():
        try:
            return find()
        except Exception as error:  # pylint: disable=broad-except
            if type(error).__name__ in ('StaleElementReferenceException', 'NoSuchElementException'):
                return None
            raise
    return servetool.until(look, what)


def in_browser(test):
    """Makes a failure of what the driver raises."""
    def run():
        try:
            test()
        except Exception as error:  # pylint: disable=broad-except
            if 'selenium' in type(error).__module__:
                raise Failure(f'{type(error).__name__}: {str(error).splitlines()[:1]}, line '
                              f'{line_of(error)}') from None
            raise
    run.__name__ = test.__name__
    return run


def line_of(error):
    trace = error.__traceback__
    lines = []
    while trace:
        if trace.tb_frame.f_code.co_filename == __file__:
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return lines


WIDE = '''
if (document.documentElement.scrollWidth <= innerWidth) return [];
return [...document.querySelectorAll ('body *')].filter ((e) => e.getBoundingClientRect ().right > innerWidth + 0.5)
  .map ((e) => `${e.tagName} ${e.id} ${e.getAttribute ('class')} ${e.getBoundingClientRect ().right}`);
'''


class Browser:
    def __init__(self):
        chromium = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
        driver = shutil.which('chromedriver')
        if not chromium or not driver:
            raise Skip('no Chromium, or no chromedriver (chromium, chromium-driver)')
        try:
            from selenium import webdriver
            from selenium.webdriver.chrome.service import Service
        except ImportError:
            raise Skip('no python3-selenium') from None
        os.environ['NO_PROXY'] = os.environ['no_proxy'] = '127.0.0.1,localhost'
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        for argument in ('--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
                         '--no-first-run', f'--user-data-dir={temporary.make_folder()}', '--proxy-server=direct://',
                         '--disable-background-networking', '--hide-scrollbars'):
            options.add_argument(argument)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self.driver = webdriver.Chrome(service=Service(driver), options=options)
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.driver.quit()

    def size(self, width, height, dark=False):
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': width < 600})
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {
            'features': [{'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}]})

    def find(self, selector, what=None):
        """The first such element that is shown."""
        def look():
            shown = [found for found in self.driver.find_elements('css selector', selector) if found.is_displayed()]
            return shown[0] if shown else None
        return until(look, what or selector)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def has(self, selector):
        return bool(self.driver.find_elements('css selector', selector))

    def is_sound(self, what):
        equal(self.run(CONTRAST), [], f'{what}: contrast')
        equal(self.run(NAMES), [], f'{what}: names')
        equal(self.run(WIDE), [], f'{what}: wider than the window')

    def look(self, what, folder=None):
        """Looks at it in each size, dark and light."""
        for width, height in SIZES:
            for dark in (False, True):
                self.size(width, height, dark)
                time.sleep(0.3)
                self.is_sound(f'{what}, {width} pixels{", dark" if dark else ""}')
                if folder and dark == (width == 390):
                    self.picture(os.path.join(folder, f'serve-{what}-{width}.jpg'))
        self.size(*SIZES[0])

    def picture(self, path):
        shot = self.driver.execute_cdp_cmd('Page.captureScreenshot', {'format': 'jpeg', 'quality': 82})
        with open(path, 'wb') as file:
            file.write(base64.b64decode(shot['data']))

    def no_errors(self):
        errors = [line['message'] for line in self.driver.get_log('browser') if line['level'] == 'SEVERE']
        # Chromium writes there what the server refuses, as the test has asked it to once.
        equal([line for line in errors if '/api/streams - Failed to load resource' not in line or '403' not in line],
              [], 'the console')


def push(server, name, label, score=0.9):
    server.ask('POST', f'/api/streams/{name}/results', {'label': label, 'score': score}, wanted=204)


def show_until(server, name, label, find, what):
    def look():
        push(server, name, label)
        return find()
    return until(look, what)


def fill(browser, selector, text):
    field = browser.find(selector)
    field.clear()
    field.send_keys(text)


def make_server(*parts, server=''):
    text = f'[server]\nlisten=127.0.0.1:0\n{server}[model default]\ndevice=cpu\n'
    for name, pattern in parts:
        path = temporary.make_signal(f'{name}.avi', (pattern, 30))
        text += f'[stream {name}]\nuri={path}\ndetect=0.5\nrecover=0.5\nrate=2\n'
        text += 'alarms=no-signal\n' if name in ('hall', 'lobby') else ''
    return temporary.write('page.conf', text)


def the_page(folder=None):
    parts = [('hall', 'smpte')]
    if folder:
        parts += [('lobby', 'ball'), ('garage', 'black'), ('roof', 'snow')]
    with Serve(make_server(*parts), listen=None) as server, Browser() as browser:
        server.wait_for('hall', 'plays', label='color-bars')
        browser.size(*SIZES[0])
        browser.driver.get(f'http://{server.host}/')
        card = '[data-name=hall]'
        until(lambda: 'color-bars' in browser.find(card).text, 'the label')
        check('playing' in browser.find(card).text, 'state')
        # The thumbnail moves.
        source = f"return document.querySelector ('{card} img')"
        until(lambda: browser.run(f'{source}.naturalWidth'), 'the thumbnail')
        first = browser.run(f'{source}.src')
        until(lambda: browser.run(f'{source}.src') != first, 'another thumbnail')
        # The keyboard: first a way past the header, then on.
        from selenium.webdriver.common.keys import Keys
        browser.find('body').send_keys(Keys.TAB)
        equal(browser.run('return document.activeElement.className'), 'skip', 'the first stop')
        # A stream is added.
        browser.find('#add-stream').click()
        fill(browser, '#add [name=name]', 'edge')
        fill(browser, '#add [name=uri]', '/etc/passwd')
        browser.find('#add .main').click()
        until(lambda: 'configuration' in browser.find('#add .error').text, 'the error')
        browser.is_sound('the dialog')
        fill(browser, '#add [name=uri]', 'push:')
        browser.find('#add .main').click()
        until(lambda: 'connecting' in browser.find('[data-name=edge]').text, 'the new stream')
        # Its settings.
        browser.find('[data-name=edge] h2 a').click()
        until(lambda: browser.find('.settings [name=rate]').get_attribute('value') == '5', 'settings')
        for name, value in (('alarms', '*;!picture'), ('detect', '0.2'), ('recover', '0.2')):
            fill(browser, f'.settings [name={name}]', value)
        browser.find('.settings .main').click()
        until(lambda: server.stream('edge')['settings']['detect'] == 0.2, 'changed')
        equal(server.stream('edge')['settings']['alarms'], '*;!picture', 'changed')
        # An alarm: what is not text must stay text.
        browser.driver.get(f'http://{server.host}/#/')
        nasty = '<img src=x onerror=document.title="bad">'
        show_until(server, 'edge', nasty, lambda: browser.has('[data-name=edge].alarm'), 'the alarm')
        until(lambda: nasty in browser.find('[data-name=edge]').text, 'its label')
        check(browser.driver.title != 'bad', 'a label was run')
        show_until(server, 'edge', 'picture', lambda: not browser.has('[data-name=edge].alarm'), 'the end of the alarm')
        show_until(server, 'edge', 'black', lambda: browser.has('[data-name=edge].alarm'), 'another alarm')
        equal(browser.run("return document.querySelector ('.wall li h2').textContent"),
              'edge' if not folder else browser.run("return document.querySelector ('.wall li.alarm h2').textContent"),
              'alarms come first')
        browser.look('wall', folder)
        browser.find('[data-name=edge] button').click()
        until(lambda: any(event['acknowledged'] for event in server.get('/api/events?alarms=1')['events']), 'acknowledged')
        until(lambda: not browser.has('[data-name=edge].alarm'), 'shown')
        # Filter and order.
        fill(browser, 'input[type=search]', 'hall')
        until(lambda: not browser.driver.find_element('css selector', '[data-name=edge]').is_displayed(), 'filtered')
        # A stream's own page: moving pictures, and a region.
        browser.find('[data-name=hall] h2 a').click()
        until(lambda: browser.run("return document.querySelector ('.stage img').naturalWidth"), 'the picture')
        from selenium.webdriver import ActionChains
        stage = browser.find('.stage svg')
        width, height = stage.size['width'], stage.size['height']
        ActionChains(browser.driver).move_to_element_with_offset(stage, -width // 4, -height // 4).click_and_hold() \
            .move_by_offset(width // 4, height // 4).release().perform()
        name = browser.find('tbody input.name')
        name.clear()
        name.send_keys('gate')
        browser.find('#save-regions').click()
        regions = until(lambda: server.stream('hall')['settings']['regions'], 'saved')
        found, _, numbers = regions.partition('=')
        equal(found, 'gate', 'name')
        for number, wanted in zip(numbers.split(','), (0.25, 0.25, 0.25, 0.25)):
            check(abs(float(number) - wanted) < 0.03, f'{regions}')
        until(lambda: any(region['region'] == 'gate' for region in server.stream('hall')['seen_regions']), 'seen')
        until(lambda: 'gate:' in browser.find('section ul').text, 'shown')
        until(lambda: browser.has('tbody tr .label'), 'events')
        browser.look('stream', folder)
        # It is removed.
        browser.find('#remove').click()
        browser.find('#remove').click()
        until(lambda: server.request('GET', '/api/streams/hall')[0] == 404, 'removed')
        until(lambda: not browser.has('[data-name=hall]') and browser.has('.wall'), 'gone')
        browser.no_errors()


def the_token():
    token = temporary.write('token', 'correct horse')
    with Serve(make_server(server=f'token={token}\n'), listen=None, token='correct horse') as server, \
            Browser() as browser:
        browser.size(*SIZES[1])
        browser.driver.get(f'http://{server.host}/')
        fill(browser, '#login [name=token]', 'wrong')
        browser.find('#login .main').click()
        until(lambda: 'not the token' in browser.find('#login .error').text, 'refused')
        fill(browser, '#login [name=token]', 'correct horse')
        browser.find('#login .main').click()
        browser.find('#add-stream')
        until(lambda: browser.find('#summary').text == '0 streams, 0 alarms', 'in')
        browser.driver.refresh()
        until(lambda: browser.find('#summary').text == '0 streams, 0 alarms', 'and again')
        cookie = browser.driver.get_cookie('effvk')
        check(cookie['httpOnly'] and cookie['sameSite'] == 'Strict' and 'horse' not in cookie['value'], f'{cookie}')


def what_the_page_may_do():
    with Serve(make_server(), listen=None) as server:
        for path in ('/', '/main.js', '/style.css', '/icon.svg'):
            status, text, headers = server.request('GET', path)
            equal((status, headers['X-Content-Type-Options']), (200, 'nosniff'), path)
            check("default-src 'none'" in headers['Content-Security-Policy'], path)
            for part in (b'http://', b'https://', b'eval', b'innerHTML', b'style="', b' onclick='):
                check(part not in text.replace(b'http://www.w3.org/', b''), f'{path} has {part}')
        for path in ('/page.gresource.xml', '/%2e%2e%2findex.html', '/main.js/'):
            check(server.request('GET', path)[0] in (400, 404), path)


if __name__ == '__main__':
    if sys.argv[1:2] == ['--pictures']:
        the_page(sys.argv[2])
    else:
        run_tests([what_the_page_may_do, in_browser(the_page), in_browser(the_token)])
