//! Countries by their names, and what a postcode, a number or a domain tells of them.

use crate::name::fold;

/// ISO 3166 alpha-2 and the names that European lists use, folded (see [`fold`]).
const NAMES: &str = "
DE=de d brd ger deu deutschland germany allemagne germania duitsland niemcy nemecko tyskland bundesrepublik_deutschland alemania
AT=at a aut oesterreich osterreich austria autriche oostenrijk rakousko austrija
CH=ch che schweiz suisse svizzera svizra switzerland zwitserland suiza confoederatio_helvetica schweiz_ch
LI=li lie fl liechtenstein
IT=it i ita italien italia italy italie
FR=fr f fra frankreich france francia frankrijk
BE=be b bel belgien belgique belgie belgium belgio
NL=nl nld niederlande nederland holland netherlands the_netherlands pays_bas paesi_bassi
LU=lu l lux luxemburg luxembourg letzebuerg lussemburgo
PL=pl pol polen polska poland pologne polonia
CZ=cz cze tschechien tschechische_republik cesko ceska_republika czech_republic czechia tchequie
SK=sk svk slowakei slowakische_republik slovensko slovakia slovaquie
HU=hu h hun ungarn magyarorszag hungary hongrie
SI=si svn slowenien slovenija slovenia slovenie
HR=hr hrv kroatien hrvatska croatia croatie
DK=dk dnk daenemark danemark danmark denmark
SE=se s swe schweden sverige sweden suede
NO=no n nor norwegen norge norway norvege
FI=fi fin finnland suomi finland finlande
IS=is isl island iceland
GB=gb uk gbr grossbritannien vereinigtes_koenigreich vereinigtes_konigreich united_kingdom great_britain england schottland wales royaume_uni
IE=ie irl irland ireland irlande eire
ES=es e esp spanien espana spain espagne spagna
PT=pt p prt portugal portogallo
RO=ro rou rumaenien rumanien romania roumanie
BG=bg bgr bulgarien bulgaria bulgarie
GR=gr grc griechenland greece grece hellas
EE=ee est estland eesti estonia
LV=lv lva lettland latvija latvia
LT=lt ltu litauen lietuva lithuania
CY=cy cyp zypern cyprus
MT=mt mlt malta
TR=tr tur tuerkei turkei turkiye turkey turquie
UA=ua ukr ukraine ukraina
RS=rs srb serbien srbija serbia
BA=ba bih bosnien_und_herzegowina bosnien bosnia
US=us usa united_states united_states_of_america vereinigte_staaten
CN=cn chn china
JP=jp jpn japan
IN=in ind indien india
";

/// The other countries, by both their codes and their German and English names as the Unicode CLDR
/// has them (Unicode licence v3), with a few that lists use instead.
const FAR: &str = "
AD=ad and andorra
AE=ae are vereinigte_arabische_emirate united_arab_emirates vae uae emirate
AF=af afg afghanistan
AG=ag atg antigua_und_barbuda antigua_&_barbuda antigua_and_barbuda
AI=ai aia anguilla
AL=al alb albanien albania
AM=am arm armenien armenia
AO=ao ago angola
AQ=aq ata antarktis antarctica
AR=ar arg argentinien argentina
AS=as asm amerikanisch_samoa american_samoa
AU=au aus australien australia
AW=aw abw aruba
AX=ax ala alandinseln aland_islands
AZ=az aze aserbaidschan azerbaijan
BB=bb brb barbados
BD=bd bgd bangladesch bangladesh
BF=bf bfa burkina_faso
BH=bh bhr bahrain
BI=bi bdi burundi
BJ=bj ben benin
BL=bl blm st_barthelemy
BM=bm bmu bermuda
BN=bn brn brunei_darussalam brunei
BO=bo bol bolivien bolivia
BQ=bq bes karibische_niederlande caribbean_netherlands
BR=br bra brasilien brazil
BS=bs bhs bahamas
BT=bt btn bhutan
BV=bv bvt bouvetinsel bouvet_island
BW=bw bwa botsuana botswana
BY=by blr belarus weissrussland
BZ=bz blz belize
CA=ca can kanada canada
CC=cc cck kokosinseln cocos_keeling_islands
CD=cd zar kongo_kinshasa congo_kinshasa demokratische_republik_kongo dr_kongo
CF=cf caf zentralafrikanische_republik central_african_republic
CG=cg cog kongo_brazzaville congo_brazzaville
CI=ci civ cote_d'ivoire elfenbeinkueste ivory_coast
CK=ck cok cookinseln cook_islands
CL=cl chl chile
CM=cm cmr kamerun cameroon
CO=co col kolumbien colombia
CR=cr cri costa_rica
CU=cu cub kuba cuba
CV=cv cpv cabo_verde cape_verde
CW=cw cuw curacao
CX=cx cxr weihnachtsinsel christmas_island
DJ=dj dji dschibuti djibouti
DM=dm dma dominica
DO=do dom dominikanische_republik dominican_republic
DZ=dz dza algerien algeria
EC=ec ecu ecuador
EG=eg egy aegypten egypt
EH=eh esh westsahara western_sahara
ER=er eri eritrea
ET=et eth aethiopien ethiopia
FJ=fj fji fidschi fiji
FK=fk flk falklandinseln falkland_islands
FM=fm fsm mikronesien micronesia
FO=fo fro faeroeer faroe_islands
GA=ga gab gabun gabon
GD=gd grd grenada
GE=ge geo georgien georgia
GF=gf guf franzoesisch_guayana french_guiana
GG=gg ggy guernsey
GH=gh gha ghana
GI=gi gib gibraltar
GL=gl grl groenland greenland
GM=gm gmb gambia
GN=gn gin guinea
GP=gp glp guadeloupe
GQ=gq gnq aequatorialguinea equatorial_guinea
GS=gs sgs suedgeorgien_und_die_suedlichen_sandwichinseln south_georgia_&_south_sandwich_islands south_georgia_und_south_sandwich_islands south_georgia_and_south_sandwich_islands
GT=gt gtm guatemala
GU=gu gum guam
GW=gw gnb guinea_bissau
GY=gy guy guyana
HK=hk hkg sonderverwaltungsregion_hongkong hong_kong_sar_china hongkong hong_kong
HM=hm hmd heard_und_mcdonaldinseln heard_&_mcdonald_islands heard_und_mcdonald_islands heard_and_mcdonald_islands
HN=hn hnd honduras
HT=ht hti haiti
ID=id idn indonesien indonesia
IL=il isr israel
IM=im imn isle_of_man
IO=io iot britisches_territorium_im_indischen_ozean british_indian_ocean_territory
IQ=iq irq irak iraq
IR=ir irn iran
JE=je jey jersey
JM=jm jam jamaika jamaica
JO=jo jor jordanien jordan
KE=ke ken kenia kenya
KG=kg kgz kirgisistan kyrgyzstan
KH=kh khm kambodscha cambodia
KI=ki kir kiribati
KM=km com komoren comoros
KN=kn kna st_kitts_und_nevis st_kitts_&_nevis st_kitts_and_nevis
KP=kp prk nordkorea north_korea
KR=kr kor suedkorea south_korea korea republik_korea republic_of_korea
KW=kw kwt kuwait
KY=ky cym kaimaninseln cayman_islands
KZ=kz kaz kasachstan kazakhstan
LA=la lao laos
LB=lb lbn libanon lebanon
LC=lc lca st_lucia
LK=lk lka sri_lanka
LR=lr lbr liberia
LS=ls lso lesotho
LY=ly lby libyen libya
MA=ma mar marokko morocco
MC=mc mco monaco
MD=md mda republik_moldau moldova moldau moldawien
ME=me mne montenegro
MF=mf maf st_martin
MG=mg mdg madagaskar madagascar
MH=mh mhl marshallinseln marshall_islands
MK=mk mkd nordmazedonien north_macedonia mazedonien macedonia
ML=ml mli mali
MM=mm mmr myanmar myanmar_burma birma burma
MN=mn mng mongolei mongolia
MO=mo mac sonderverwaltungsregion_macau macao_sar_china macau
MP=mp mnp noerdliche_marianen northern_mariana_islands
MQ=mq mtq martinique
MR=mr mrt mauretanien mauritania
MS=ms msr montserrat
MU=mu mus mauritius
MV=mv mdv malediven maldives
MW=mw mwi malawi
MX=mx mex mexiko mexico
MY=my mys malaysia
MZ=mz moz mosambik mozambique
NA=na nam namibia
NC=nc ncl neukaledonien new_caledonia
NE=ne ner niger
NF=nf nfk norfolkinsel norfolk_island
NG=ng nga nigeria
NI=ni nic nicaragua
NP=np npl nepal
NR=nr nru nauru
NU=nu niu niue
NZ=nz nzl neuseeland new_zealand
OM=om omn oman
PA=pa pan panama
PE=pe per peru
PF=pf pyf franzoesisch_polynesien french_polynesia
PG=pg png papua_neuguinea papua_new_guinea
PH=ph phl philippinen philippines
PK=pk pak pakistan
PM=pm spm st_pierre_und_miquelon st_pierre_&_miquelon st_pierre_and_miquelon
PN=pn pcn pitcairninseln pitcairn_islands
PR=pr pri puerto_rico
PS=ps pse palaestinensische_autonomiegebiete palestinian_territories palaestina
PW=pw plw palau
PY=py pry paraguay
QA=qa qat katar qatar
RE=re reu reunion
RU=ru rus russland russia russische_foederation russian_federation
RW=rw rwa ruanda rwanda
SA=sa sau saudi_arabien saudi_arabia
SB=sb slb salomonen solomon_islands
SC=sc syc seychellen seychelles
SD=sd sdn sudan
SG=sg sgp singapur singapore
SH=sh shn st_helena
SJ=sj sjm spitzbergen_und_jan_mayen svalbard_&_jan_mayen svalbard_und_jan_mayen svalbard_and_jan_mayen
SL=sl sle sierra_leone
SM=sm smr san_marino
SN=sn sen senegal
SO=so som somalia
SR=sr sur suriname
SS=ss ssd suedsudan south_sudan
ST=st stp sao_tome_und_principe sao_tome_&_principe sao_tome_and_principe
SV=sv slv el_salvador
SX=sx sxm sint_maarten
SY=sy syr syrien syria
SZ=sz swz eswatini
TC=tc tca turks_und_caicosinseln turks_&_caicos_islands turks_und_caicos_islands turks_and_caicos_islands
TD=td tcd tschad chad
TF=tf atf franzoesische_sued_und_antarktisgebiete french_southern_territories
TG=tg tgo togo
TH=th tha thailand
TJ=tj tjk tadschikistan tajikistan
TK=tk tkl tokelau
TL=tl tmp timor_leste
TM=tm tkm turkmenistan
TN=tn tun tunesien tunisia
TO=to ton tonga
TT=tt tto trinidad_und_tobago trinidad_&_tobago trinidad_and_tobago
TV=tv tuv tuvalu
TW=tw twn taiwan
TZ=tz tza tansania tanzania
UG=ug uga uganda
UM=um umi amerikanische_ueberseeinseln us_outlying_islands
UY=uy ury uruguay
UZ=uz uzb usbekistan uzbekistan
VA=va vat vatikanstadt vatican_city vatikan
VC=vc vct st_vincent_und_die_grenadinen st_vincent_&_grenadines st_vincent_und_grenadines st_vincent_and_grenadines
VE=ve ven venezuela
VG=vg vgb britische_jungferninseln british_virgin_islands
VI=vi vir amerikanische_jungferninseln us_virgin_islands
VN=vn vnm vietnam viet_nam
VU=vu vut vanuatu
WF=wf wlf wallis_und_futuna wallis_&_futuna wallis_and_futuna
WS=ws wsm samoa
YE=ye yem jemen yemen
YT=yt myt mayotte
ZA=za zaf suedafrika south_africa
ZM=zm zmb sambia zambia
ZW=zw zwe simbabwe zimbabwe
";

/// The country that a cell names, also twice: `Deutschland (DE)`, `DE - Deutschland`.
pub fn read(text: &str) -> Option<&'static str> {
    if text.len() > 200 {
        return None;
    }
    named(text, [NAMES, FAR]).or_else(|| {
        let pieces = text.split(['(', ')', '/', ',', ';', '|']).flat_map(|piece| piece.split(" - "));
        let mut codes = pieces.map(str::trim).filter(|piece| !piece.is_empty()).map(|piece| named(piece, [NAMES, FAR]));
        let first = codes.next()??;
        codes.all(|code| code == Some(first)).then_some(first)
    })
}

fn named<const N: usize>(text: &str, tables: [&'static str; N]) -> Option<&'static str> {
    let folded = fold(text).replace(['.', '(', ')'], "");
    let name = folded.split([' ', '-']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    if name.is_empty() {
        return None;
    }
    let known = tables.into_iter().flat_map(lines).find(|(_, names)| names.split(' ').any(|known| known == name));
    known.map(|(code, _)| code)
}

fn lines(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    table.lines().filter_map(|line| line.split_once('='))
}

/// Whether we know the code.
pub fn is_code(code: &str) -> bool {
    [NAMES, FAR].into_iter().flat_map(lines).any(|(known, _)| known == code)
}

/// Whether a country has this code, also one whose names we do not know.
pub fn exists(code: &str) -> bool {
    is_code(code) || crate::phone::has_numbers(code)
}

/// The country of a domain, where its top level is one of a country.
pub fn of_domain(domain: &str) -> Option<&'static str> {
    let tld = domain.rsplit('.').next()?.to_uppercase();
    // Domains of these are bought for their sound.
    if matches!(tld.as_str(), "EU" | "IO" | "CO" | "IS" | "IN" | "BA" | "US") {
        return None;
    }
    let tld = if tld == "UK" { "GB".to_owned() } else { tld };
    lines(NAMES).find(|(code, _)| *code == tld).map(|(code, _)| code)
}

/// A postcode without the country before it, and that country: `D-66280`, `CH-9630`, `5651 GG`.
pub fn postcode(text: &str) -> (String, Option<&'static str>) {
    let text = text.trim();
    if let Some((prefix, rest)) = text.split_once(['-', ' ']) {
        let rest = rest.trim();
        let letters = !prefix.is_empty() && prefix.len() <= 3 && prefix.chars().all(|c| c.is_ascii_uppercase());
        if letters && rest.starts_with(|c: char| c.is_ascii_digit()) {
            let code = match prefix {
                "L" => Some("LU"),
                "FL" => Some("LI"),
                // "CA 90210" is California.
                _ => named(prefix, [NAMES]),
            };
            if code.is_some() {
                return (rest.to_owned(), code);
            }
        }
    }
    (text.to_owned(), None)
}

/// The countries whose postcodes have this form, of those that a DACH fair sees most.
pub fn of_postcode(postcode: &str) -> &'static [&'static str] {
    let form: String = postcode
        .trim()
        .chars()
        .map(|c| {
            if c.is_ascii_digit() {
                '9'
            } else if c.is_ascii_alphabetic() {
                'A'
            } else {
                c
            }
        })
        .collect();
    match form.as_str() {
        "99999" => &["DE", "FR", "IT", "ES", "CZ", "FI"],
        "9999" => &["AT", "CH", "LI", "BE", "DK", "HU", "LU", "NO", "SI"],
        "9999 AA" | "9999AA" => &["NL"],
        "99-999" => &["PL"],
        "999 99" => &["CZ", "SE", "SK"],
        _ => &[],
    }
}

/// Places whose postcode begins with 0.
const ZERO_PLACES: &str = " dresden leipzig chemnitz halle jena gera zwickau plauen cottbus dessau
dessau rosslau goerlitz bautzen hoyerswerda freiberg meissen pirna freital riesa torgau altenburg
saalfeld rudolstadt weissenfels merseburg naumburg wittenberg zittau aue annaberg buchholz
senftenberg finsterwalde spremberg forst guben radebeul radeberg kamenz loebau delitzsch grimma
wurzen borna markkleeberg schkeuditz eilenburg zeitz bitterfeld wolfen sangerhausen eisleben
quedlinburg aschersleben bernburg koethen hettstedt freyburg seiffen koenigstein koenigsee sonneberg
poessneck greiz glauchau meerane crimmitschau werdau reichenbach auerbach oelsnitz klingenthal
schwarzenberg limbach mittweida doebeln stollberg marienberg luebben luebbenau calau herzberg
elsterwerda schmoelln apolda ";

/// Whether it may be a German postcode without its leading zero: no German one begins with 00
/// or 05.
pub fn may_lack_zero(postcode: &str) -> bool {
    postcode.len() == 4 && postcode.bytes().all(|b| b.is_ascii_digit()) && !postcode.starts_with(['0', '5'])
}

/// Whether postcodes of the place begin with 0.
pub fn is_zero_place(city: &str) -> bool {
    let folded = fold(city);
    let place = folded.split([' ', '-', '(', '/']).next().filter(|place| !place.is_empty());
    place.is_some_and(|place| ZERO_PLACES.split_ascii_whitespace().any(|known| known == place))
}

/// The leading zero of a German postcode that a spreadsheet dropped: `1097` is `01097` if the
/// place or the area code of the phone says so.
pub fn restored_zero(postcode: &str, city: &str, phones: &[String]) -> Option<String> {
    if postcode.len() != 4 || !postcode.bytes().all(|b| b.is_ascii_digit()) || postcode.starts_with('0') {
        return None;
    }
    let by_place = is_zero_place(city);
    let by_phone = phones
        .iter()
        .any(|phone| ["+4934", "+4935", "+4936", "+4937", "+49394"].iter().any(|area| phone.starts_with(area)));
    (by_place || by_phone).then(|| format!("0{postcode}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_country_is_known_by_the_names_that_lists_give_it() {
        let names = [
            ("Deutschland", "DE"),
            ("deutschland", "DE"),
            ("D", "DE"),
            ("DEUTSCHLAND", "DE"),
            ("BRD", "DE"),
            ("Allemagne", "DE"),
            ("Österreich", "AT"),
            ("A", "AT"),
            ("Schweiz", "CH"),
            ("Suisse", "CH"),
            ("Nederland", "NL"),
            ("Holland", "NL"),
            ("Pays-Bas", "NL"),
            ("Česká republika", "CZ"),
            ("Tschechien", "CZ"),
            ("Italien", "IT"),
            ("Großbritannien", "GB"),
            ("Dänemark", "DK"),
            ("Liechtenstein", "LI"),
            ("The Netherlands", "NL"),
            ("U.S.A.", "US"),
            ("Mexiko", "MX"),
            ("Kanada", "CA"),
            ("South Korea", "KR"),
            ("VAE", "AE"),
            ("Côte d’Ivoire", "CI"),
            ("Deutschland (DE)", "DE"),
            ("DE - Deutschland", "DE"),
            ("Schweiz / Suisse", "CH"),
        ];
        for (name, code) in names {
            assert_eq!(read(name), Some(code), "{name}");
        }
        assert_eq!(read("Bayern"), None);
        assert_eq!(read("Deutschland / Österreich"), None, "two countries are none");
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_postcode_may_carry_its_country() {
        assert_eq!(postcode("D-66280"), ("66280".into(), Some("DE")));
        assert_eq!(postcode("CH-9630"), ("9630".into(), Some("CH")));
        assert_eq!(postcode("A 6020"), ("6020".into(), Some("AT")));
        assert_eq!(postcode("5651 GG"), ("5651 GG".into(), None));
        assert_eq!(postcode("53-609"), ("53-609".into(), None));
        assert_eq!(postcode("CA 90210"), ("CA 90210".into(), None));
    }

    #[test]
    fn a_lost_zero_comes_back_only_where_place_or_phone_says_so() {
        assert_eq!(restored_zero("1097", "Dresden", &[]).as_deref(), Some("01097"));
        assert_eq!(restored_zero("6632", "Unbekannt", &["+4934464555510".into()]).as_deref(), Some("06632"));
        assert_eq!(restored_zero("3930", "Visp", &["+41795550391".into()]), None);
        assert_eq!(restored_zero("73430", "Aalen", &[]), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC*") {
            let _ = (read(&text), postcode(&text), of_postcode(&text), of_domain(&text), restored_zero(&text, &text, &[]));
        }
    }
}
